// Generated from client/operations by `npm run types`; do not edit.

import type {
  AcceptInvitation,
  AcceptInvitationVariables,
  AuthKeys,
  AuthKeysVariables,
  ClientChanges,
  ClientChangesVariables,
  ClientHead,
  ClientHeadVariables,
  CreateAuthKey,
  CreateAuthKeyVariables,
  CreateRoom,
  CreateRoomVariables,
  DeleteUser,
  DeleteUserVariables,
  DisconnectUser,
  DisconnectUserVariables,
  DismissNotice,
  DismissNoticeVariables,
  ExpelMember,
  ExpelMemberVariables,
  GetBootstrap,
  GetBootstrapVariables,
  Heartbeat,
  HeartbeatVariables,
  InviteMember,
  InviteMemberVariables,
  JoinRoom,
  JoinRoomVariables,
  LeaveRoom,
  LeaveRoomVariables,
  Me,
  MeVariables,
  Members,
  MembersVariables,
  Memberships,
  MembershipsVariables,
  MessageChanges,
  MessageChangesVariables,
  MessageHead,
  MessageHeadVariables,
  Messages,
  MessagesVariables,
  Notices,
  NoticesVariables,
  Notify,
  NotifyVariables,
  OnClient,
  OnClientVariables,
  OnMessages,
  OnMessagesVariables,
  OnPresence,
  OnPresenceVariables,
  OnUser,
  OnUserVariables,
  PresenceChanges,
  PresenceChangesVariables,
  PresenceHead,
  PresenceHeadVariables,
  Presences,
  PresencesVariables,
  RegisterClient,
  RegisterClientVariables,
  ResignMembership,
  ResignMembershipVariables,
  RevokeAuthKey,
  RevokeAuthKeyVariables,
  RoomById,
  RoomByIdVariables,
  Rooms,
  RoomsVariables,
  SendMessage,
  SendMessageVariables,
  SendMessages,
  SendMessagesVariables,
  SetUserGroups,
  SetUserGroupsVariables,
  SignOut,
  SignOutVariables,
  StartClient,
  StartClientVariables,
  UpdateProfile,
  UpdateProfileVariables,
  UserById,
  UserByIdVariables,
  UserChanges,
  UserChangesVariables,
  UserHead,
  UserHeadVariables,
  Users,
  UsersVariables,
} from "./types.js";

declare const typed: unique symbol;

/** The text of an operation that knows the type of its answer and of its variables. At run time it is a string. */
export type TypedDocument<Data, Variables> = string & { readonly [typed]?: (variables: Variables) => Data };

export const ACCEPT_INVITATION =
  "mutation AcceptInvitation($roomId:ID!$clientMutationId:ID){acceptInvitation(roomId:$roomId clientMutationId:$clientMutationId){...Membership}}fragment Membership on Membership{room{...Room}standing since}fragment Room on Room{id name private createdAt}" as TypedDocument<AcceptInvitation, AcceptInvitationVariables>;

export const AUTH_KEYS =
  "query AuthKeys($limit:Int$nextToken:String){authKeys(limit:$limit nextToken:$nextToken){items{...AuthKey}nextToken}}fragment AuthKey on AuthKey{id name scopes createdAt createdBy validUntil revokedAt}" as TypedDocument<AuthKeys, AuthKeysVariables>;

export const CLIENT_CHANGES =
  "query ClientChanges($clientId:ID!$after:Int!$limit:Int){clientChanges(clientId:$clientId after:$after limit:$limit){topic items{...ClientChange}lastSeq headSeq resyncRequired}}fragment ClientChange on ClientChange{seq eventId kind at traceId key truncated notice{...Notice}}fragment Notice on Notice{id kind data sentAt expiresAt}" as TypedDocument<ClientChanges, ClientChangesVariables>;

export const CLIENT_HEAD =
  "query ClientHead($clientId:ID!){clientChanges(clientId:$clientId after:0 limit:1){headSeq}}" as TypedDocument<ClientHead, ClientHeadVariables>;

export const CREATE_AUTH_KEY =
  "mutation CreateAuthKey($input:CreateAuthKeyInput!){createAuthKey(input:$input){key authKey{...AuthKey}}}fragment AuthKey on AuthKey{id name scopes createdAt createdBy validUntil revokedAt}" as TypedDocument<CreateAuthKey, CreateAuthKeyVariables>;

export const CREATE_ROOM =
  "mutation CreateRoom($input:CreateRoomInput!){createRoom(input:$input){...Room}}fragment Room on Room{id name private createdAt}" as TypedDocument<CreateRoom, CreateRoomVariables>;

export const DELETE_USER =
  "mutation DeleteUser($id:ID$clientMutationId:ID){deleteUser(id:$id clientMutationId:$clientMutationId){userId done}}" as TypedDocument<DeleteUser, DeleteUserVariables>;

export const DISCONNECT_USER =
  "mutation DisconnectUser($id:ID!$clientMutationId:ID){disconnectUser(id:$id clientMutationId:$clientMutationId){userId}}" as TypedDocument<DisconnectUser, DisconnectUserVariables>;

export const DISMISS_NOTICE =
  "mutation DismissNotice($id:ID!$clientId:ID$clientMutationId:ID){dismissNotice(id:$id clientId:$clientId clientMutationId:$clientMutationId){id topic}}" as TypedDocument<DismissNotice, DismissNoticeVariables>;

export const EXPEL_MEMBER =
  "mutation ExpelMember($roomId:ID!$userId:ID!$clientMutationId:ID){expelMember(roomId:$roomId userId:$userId clientMutationId:$clientMutationId){...MembershipEnd}}fragment MembershipEnd on MembershipEnd{roomId userId}" as TypedDocument<ExpelMember, ExpelMemberVariables>;

export const GET_BOOTSTRAP =
  "query GetBootstrap($clientId:ID!$rooms:[ID!]$backlogLimit:Int$signedIn:Boolean=false){bootstrap(clientId:$clientId rooms:$rooms backlogLimit:$backlogLimit){...Bootstrap me@include(if:$signedIn){...User}}}fragment Bootstrap on Bootstrap{client{...Client}features{apiVersion topics flags retentionSeconds heartbeatSeconds limits{messageCharacters messages roomIdCharacters changes noticeBytes bootstrapRooms bootstrapBacklog}}rooms{roomId room{...Room}standing headSeq messages{items{...Message}nextToken}problem{errorType message}}membershipsNextToken userNotices{...NoticeConnection}clientNotices{...NoticeConnection}}fragment Client on Client{id lease validUntil}fragment Message on Message{id roomId author text sentAt version originalTime}fragment Notice on Notice{id kind data sentAt expiresAt}fragment NoticeConnection on NoticeConnection{topic items{...Notice}headSeq nextToken}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment Room on Room{id name private createdAt}fragment User on User{id name email groups status enabled createdAt deletedAt profile{...Profile}}" as TypedDocument<GetBootstrap, GetBootstrapVariables>;

export const HEARTBEAT =
  "mutation Heartbeat($input:HeartbeatInput!){heartbeat(input:$input){lastSeen heartbeatSeconds}}" as TypedDocument<Heartbeat, HeartbeatVariables>;

export const INVITE_MEMBER =
  "mutation InviteMember($roomId:ID!$userId:ID!$clientMutationId:ID){inviteMember(roomId:$roomId userId:$userId clientMutationId:$clientMutationId){...Member}}fragment Member on Member{userId displayName standing since}" as TypedDocument<InviteMember, InviteMemberVariables>;

export const JOIN_ROOM =
  "mutation JoinRoom($input:JoinRoomInput!){joinRoom(input:$input){presence{...Presence}heartbeatSeconds greyAfterSeconds}}fragment Presence on Presence{id roomId userId name joinedAt lastSeen absent}" as TypedDocument<JoinRoom, JoinRoomVariables>;

export const LEAVE_ROOM =
  "mutation LeaveRoom($input:LeaveRoomInput!){leaveRoom(input:$input){roomId id}}" as TypedDocument<LeaveRoom, LeaveRoomVariables>;

export const ME =
  "query Me{me{...User}}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment User on User{id name email groups status enabled createdAt deletedAt profile{...Profile}}" as TypedDocument<Me, MeVariables>;

export const MEMBERS =
  "query Members($roomId:ID!$limit:Int$nextToken:String){members(roomId:$roomId limit:$limit nextToken:$nextToken){items{...Member}nextToken}}fragment Member on Member{userId displayName standing since}" as TypedDocument<Members, MembersVariables>;

export const MEMBERSHIPS =
  "query Memberships($limit:Int$nextToken:String){memberships(limit:$limit nextToken:$nextToken){items{...Membership}nextToken}}fragment Membership on Membership{room{...Room}standing since}fragment Room on Room{id name private createdAt}" as TypedDocument<Memberships, MembershipsVariables>;

export const MESSAGE_CHANGES =
  "query MessageChanges($roomId:ID!$after:Int!$limit:Int){messageChanges(roomId:$roomId after:$after limit:$limit){topic items{...MessageChange}lastSeq headSeq resyncRequired}}fragment Message on Message{id roomId author text sentAt version originalTime}fragment MessageChange on MessageChange{seq eventId kind at traceId key truncated message{...Message}}" as TypedDocument<MessageChanges, MessageChangesVariables>;

export const MESSAGE_HEAD =
  "query MessageHead($roomId:ID!){messageChanges(roomId:$roomId after:0 limit:1){headSeq}}" as TypedDocument<MessageHead, MessageHeadVariables>;

export const MESSAGES =
  "query Messages($roomId:ID!$order:Order$limit:Int$nextToken:String){messages(roomId:$roomId order:$order limit:$limit nextToken:$nextToken){items{...Message}nextToken}}fragment Message on Message{id roomId author text sentAt version originalTime}" as TypedDocument<Messages, MessagesVariables>;

export const NOTICES =
  "query Notices($clientId:ID$limit:Int$nextToken:String){notices(clientId:$clientId limit:$limit nextToken:$nextToken){...NoticeConnection}}fragment Notice on Notice{id kind data sentAt expiresAt}fragment NoticeConnection on NoticeConnection{topic items{...Notice}headSeq nextToken}" as TypedDocument<Notices, NoticesVariables>;

export const NOTIFY =
  "mutation Notify($input:NotifyInput!){notify(input:$input){...Notice}}fragment Notice on Notice{id kind data sentAt expiresAt}" as TypedDocument<Notify, NotifyVariables>;

export const ON_CLIENT =
  "subscription OnClient($clientId:ID!$lease:ID!){onClient(clientId:$clientId lease:$lease){clientId topic firstSeq lastSeq items{...ClientChange}}}fragment ClientChange on ClientChange{seq eventId kind at traceId key truncated notice{...Notice}}fragment Notice on Notice{id kind data sentAt expiresAt}" as TypedDocument<OnClient, OnClientVariables>;

export const ON_MESSAGES =
  "subscription OnMessages($roomId:ID!){onMessages(roomId:$roomId){roomId topic firstSeq lastSeq items{...MessageChange}}}fragment Message on Message{id roomId author text sentAt version originalTime}fragment MessageChange on MessageChange{seq eventId kind at traceId key truncated message{...Message}}" as TypedDocument<OnMessages, OnMessagesVariables>;

export const ON_PRESENCE =
  "subscription OnPresence($roomId:ID!){onPresence(roomId:$roomId){roomId topic firstSeq lastSeq items{...PresenceChange}}}fragment Presence on Presence{id roomId userId name joinedAt lastSeen absent}fragment PresenceChange on PresenceChange{seq eventId kind at traceId key truncated presence{...Presence}}" as TypedDocument<OnPresence, OnPresenceVariables>;

export const ON_USER =
  "subscription OnUser{onUser{userId topic firstSeq lastSeq items{...UserChange}}}fragment Notice on Notice{id kind data sentAt expiresAt}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment UserChange on UserChange{seq eventId kind at traceId key truncated profile{...Profile}notice{...Notice}}" as TypedDocument<OnUser, OnUserVariables>;

export const PRESENCE_CHANGES =
  "query PresenceChanges($roomId:ID!$after:Int!$limit:Int){presenceChanges(roomId:$roomId after:$after limit:$limit){topic items{...PresenceChange}lastSeq headSeq resyncRequired}}fragment Presence on Presence{id roomId userId name joinedAt lastSeen absent}fragment PresenceChange on PresenceChange{seq eventId kind at traceId key truncated presence{...Presence}}" as TypedDocument<PresenceChanges, PresenceChangesVariables>;

export const PRESENCE_HEAD =
  "query PresenceHead($roomId:ID!){presenceChanges(roomId:$roomId after:0 limit:1){headSeq}}" as TypedDocument<PresenceHead, PresenceHeadVariables>;

export const PRESENCES =
  "query Presences($roomId:ID!$limit:Int$nextToken:String){presence(roomId:$roomId limit:$limit nextToken:$nextToken){items{...Presence}greyAfterSeconds nextToken}}fragment Presence on Presence{id roomId userId name joinedAt lastSeen absent}" as TypedDocument<Presences, PresencesVariables>;

export const REGISTER_CLIENT =
  "mutation RegisterClient($input:RegisterClientInput!){registerClient(input:$input){client{...Client}}}fragment Client on Client{id lease validUntil}" as TypedDocument<RegisterClient, RegisterClientVariables>;

export const RESIGN_MEMBERSHIP =
  "mutation ResignMembership($roomId:ID!$clientMutationId:ID){resignMembership(roomId:$roomId clientMutationId:$clientMutationId){...MembershipEnd}}fragment MembershipEnd on MembershipEnd{roomId userId}" as TypedDocument<ResignMembership, ResignMembershipVariables>;

export const REVOKE_AUTH_KEY =
  "mutation RevokeAuthKey($id:ID!$clientMutationId:ID){revokeAuthKey(id:$id clientMutationId:$clientMutationId){...AuthKey}}fragment AuthKey on AuthKey{id name scopes createdAt createdBy validUntil revokedAt}" as TypedDocument<RevokeAuthKey, RevokeAuthKeyVariables>;

export const ROOM_BY_ID =
  "query RoomById($id:ID!){room(id:$id){...Room}}fragment Room on Room{id name private createdAt}" as TypedDocument<RoomById, RoomByIdVariables>;

export const ROOMS =
  "query Rooms($limit:Int$nextToken:String){rooms(limit:$limit nextToken:$nextToken){items{...Room}nextToken}}fragment Room on Room{id name private createdAt}" as TypedDocument<Rooms, RoomsVariables>;

export const SEND_MESSAGE =
  "mutation SendMessage($input:SendMessageInput!){sendMessage(input:$input){...Message}}fragment Message on Message{id roomId author text sentAt version originalTime}" as TypedDocument<SendMessage, SendMessageVariables>;

export const SEND_MESSAGES =
  "mutation SendMessages($input:SendMessagesInput!){sendMessages(input:$input){messages{...Message}}}fragment Message on Message{id roomId author text sentAt version originalTime}" as TypedDocument<SendMessages, SendMessagesVariables>;

export const SET_USER_GROUPS =
  "mutation SetUserGroups($id:ID!$groups:[String!]!$clientMutationId:ID){setUserGroups(id:$id groups:$groups clientMutationId:$clientMutationId){...User}}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment User on User{id name email groups status enabled createdAt deletedAt profile{...Profile}}" as TypedDocument<SetUserGroups, SetUserGroupsVariables>;

export const SIGN_OUT =
  "mutation SignOut($clientMutationId:ID){signOut(clientMutationId:$clientMutationId){userId}}" as TypedDocument<SignOut, SignOutVariables>;

export const START_CLIENT =
  "mutation StartClient($input:RegisterClientInput!$rooms:[ID!]$backlogLimit:Int$signedIn:Boolean=false){registerClient(input:$input){client{...Client}bootstrap(rooms:$rooms backlogLimit:$backlogLimit){...Bootstrap me@include(if:$signedIn){...User}}}}fragment Bootstrap on Bootstrap{client{...Client}features{apiVersion topics flags retentionSeconds heartbeatSeconds limits{messageCharacters messages roomIdCharacters changes noticeBytes bootstrapRooms bootstrapBacklog}}rooms{roomId room{...Room}standing headSeq messages{items{...Message}nextToken}problem{errorType message}}membershipsNextToken userNotices{...NoticeConnection}clientNotices{...NoticeConnection}}fragment Client on Client{id lease validUntil}fragment Message on Message{id roomId author text sentAt version originalTime}fragment Notice on Notice{id kind data sentAt expiresAt}fragment NoticeConnection on NoticeConnection{topic items{...Notice}headSeq nextToken}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment Room on Room{id name private createdAt}fragment User on User{id name email groups status enabled createdAt deletedAt profile{...Profile}}" as TypedDocument<StartClient, StartClientVariables>;

export const UPDATE_PROFILE =
  "mutation UpdateProfile($input:UpdateProfileInput!){updateProfile(input:$input){...Profile}}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}" as TypedDocument<UpdateProfile, UpdateProfileVariables>;

export const USER_BY_ID =
  "query UserById($id:ID!){user(id:$id){...User}}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment User on User{id name email groups status enabled createdAt deletedAt profile{...Profile}}" as TypedDocument<UserById, UserByIdVariables>;

export const USER_CHANGES =
  "query UserChanges($after:Int!$limit:Int){userChanges(after:$after limit:$limit){topic items{...UserChange}lastSeq headSeq resyncRequired}}fragment Notice on Notice{id kind data sentAt expiresAt}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment UserChange on UserChange{seq eventId kind at traceId key truncated profile{...Profile}notice{...Notice}}" as TypedDocument<UserChanges, UserChangesVariables>;

export const USER_HEAD =
  "query UserHead{userChanges(after:0 limit:1){headSeq}}" as TypedDocument<UserHead, UserHeadVariables>;

export const USERS =
  "query Users($limit:Int$nextToken:String){users(limit:$limit nextToken:$nextToken){items{...User}nextToken}}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment User on User{id name email groups status enabled createdAt deletedAt profile{...Profile}}" as TypedDocument<Users, UsersVariables>;
