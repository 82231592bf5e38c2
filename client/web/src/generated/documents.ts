// Generated from client/operations by `npm run types`; do not edit.

import type {
  AcceptInvitation,
  AcceptInvitationVariables,
  AddToCart,
  AddToCartVariables,
  AuthKeys,
  AuthKeysVariables,
  CartChanges,
  CartChangesVariables,
  CartHead,
  CartHeadVariables,
  Categories,
  CategoriesVariables,
  CategoryChanges,
  CategoryChangesVariables,
  CategoryHead,
  CategoryHeadVariables,
  CategoryProducts,
  CategoryProductsVariables,
  ChangeCartLine,
  ChangeCartLineVariables,
  ChangeStock,
  ChangeStockVariables,
  Checkout,
  CheckoutVariables,
  ClientChanges,
  ClientChangesVariables,
  ClientHead,
  ClientHeadVariables,
  CreateAuthKey,
  CreateAuthKeyVariables,
  CreateCategory,
  CreateCategoryVariables,
  CreateProduct,
  CreateProductVariables,
  CreateRoom,
  CreateRoomVariables,
  DeleteProduct,
  DeleteProductVariables,
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
  GetCart,
  GetCartVariables,
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
  MergeCart,
  MergeCartVariables,
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
  OnCart,
  OnCartVariables,
  OnCategory,
  OnCategoryVariables,
  OnClient,
  OnClientVariables,
  OnMessages,
  OnMessagesVariables,
  OnOrder,
  OnOrderVariables,
  OnPresence,
  OnPresenceVariables,
  OnProduct,
  OnProductVariables,
  OnUser,
  OnUserVariables,
  OrderById,
  OrderByIdVariables,
  OrderChanges,
  OrderChangesVariables,
  OrderHead,
  OrderHeadVariables,
  Orders,
  OrdersVariables,
  PresenceChanges,
  PresenceChangesVariables,
  PresenceHead,
  PresenceHeadVariables,
  Presences,
  PresencesVariables,
  ProductById,
  ProductByIdVariables,
  ProductChanges,
  ProductChangesVariables,
  ProductHead,
  ProductHeadVariables,
  Products,
  ProductsVariables,
  RegisterClient,
  RegisterClientVariables,
  RemoveFromCart,
  RemoveFromCartVariables,
  ResignMembership,
  ResignMembershipVariables,
  RevokeAuthKey,
  RevokeAuthKeyVariables,
  RoomById,
  RoomByIdVariables,
  Rooms,
  RoomsVariables,
  SearchProducts,
  SearchProductsVariables,
  SendMessage,
  SendMessageVariables,
  SendMessages,
  SendMessagesVariables,
  SetPrice,
  SetPriceVariables,
  SetUserGroups,
  SetUserGroupsVariables,
  SignOut,
  SignOutVariables,
  StartClient,
  StartClientVariables,
  UpdateProduct,
  UpdateProductVariables,
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

export const ADD_TO_CART =
  "mutation AddToCart($input:AddToCartInput!){addToCart(input:$input){...Cart}}fragment Cart on Cart{id lines{productId title quantity price addedAt}total currency version updatedAt expiresAt}" as TypedDocument<AddToCart, AddToCartVariables>;

export const AUTH_KEYS =
  "query AuthKeys($limit:Int$nextToken:String){authKeys(limit:$limit nextToken:$nextToken){items{...AuthKey}nextToken}}fragment AuthKey on AuthKey{id name scopes createdAt createdBy validUntil revokedAt}" as TypedDocument<AuthKeys, AuthKeysVariables>;

export const CART_CHANGES =
  "query CartChanges($clientId:ID$after:Int!$limit:Int){cartChanges(clientId:$clientId after:$after limit:$limit){topic items{...CartChange}lastSeq headSeq resyncRequired}}fragment Cart on Cart{id lines{productId title quantity price addedAt}total currency version updatedAt expiresAt}fragment CartChange on CartChange{seq eventId kind at traceId key truncated cart{...Cart}}" as TypedDocument<CartChanges, CartChangesVariables>;

export const CART_HEAD =
  "query CartHead($clientId:ID){cartChanges(clientId:$clientId after:0 limit:1){headSeq}}" as TypedDocument<CartHead, CartHeadVariables>;

export const CATEGORIES =
  "query Categories($parent:ID$limit:Int$nextToken:String){categories(parent:$parent limit:$limit nextToken:$nextToken){items{...Category}nextToken}}fragment Category on Category{id name parent path}" as TypedDocument<Categories, CategoriesVariables>;

export const CATEGORY_CHANGES =
  "query CategoryChanges($category:ID!$after:Int!$limit:Int){categoryChanges(category:$category after:$after limit:$limit){topic items{...CategoryChange}lastSeq headSeq resyncRequired}}fragment CategoryChange on CategoryChange{seq eventId kind at traceId key truncated product{...Product}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<CategoryChanges, CategoryChangesVariables>;

export const CATEGORY_HEAD =
  "query CategoryHead($category:ID!){categoryChanges(category:$category after:0 limit:1){headSeq}}" as TypedDocument<CategoryHead, CategoryHeadVariables>;

export const CATEGORY_PRODUCTS =
  "query CategoryProducts($category:ID!$limit:Int$nextToken:String){products(category:$category sort:NEWEST limit:$limit nextToken:$nextToken){items{...Product}nextToken}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<CategoryProducts, CategoryProductsVariables>;

export const CHANGE_CART_LINE =
  "mutation ChangeCartLine($input:ChangeCartLineInput!){changeCartLine(input:$input){...Cart}}fragment Cart on Cart{id lines{productId title quantity price addedAt}total currency version updatedAt expiresAt}" as TypedDocument<ChangeCartLine, ChangeCartLineVariables>;

export const CHANGE_STOCK =
  "mutation ChangeStock($input:ChangeStockInput!){changeStock(input:$input){...Product}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<ChangeStock, ChangeStockVariables>;

export const CHECKOUT =
  "mutation Checkout($input:CheckoutInput!){checkout(input:$input){...ShopOrder}}fragment ShopOrder on ShopOrder{id status lines{productId title quantity price}total currency placedAt version}" as TypedDocument<Checkout, CheckoutVariables>;

export const CLIENT_CHANGES =
  "query ClientChanges($clientId:ID!$after:Int!$limit:Int){clientChanges(clientId:$clientId after:$after limit:$limit){topic items{...ClientChange}lastSeq headSeq resyncRequired}}fragment ClientChange on ClientChange{seq eventId kind at traceId key truncated notice{...Notice}}fragment Notice on Notice{id kind data sentAt expiresAt}" as TypedDocument<ClientChanges, ClientChangesVariables>;

export const CLIENT_HEAD =
  "query ClientHead($clientId:ID!){clientChanges(clientId:$clientId after:0 limit:1){headSeq}}" as TypedDocument<ClientHead, ClientHeadVariables>;

export const CREATE_AUTH_KEY =
  "mutation CreateAuthKey($input:CreateAuthKeyInput!){createAuthKey(input:$input){key authKey{...AuthKey}}}fragment AuthKey on AuthKey{id name scopes createdAt createdBy validUntil revokedAt}" as TypedDocument<CreateAuthKey, CreateAuthKeyVariables>;

export const CREATE_CATEGORY =
  "mutation CreateCategory($input:CreateCategoryInput!){createCategory(input:$input){...Category}}fragment Category on Category{id name parent path}" as TypedDocument<CreateCategory, CreateCategoryVariables>;

export const CREATE_PRODUCT =
  "mutation CreateProduct($input:CreateProductInput!){createProduct(input:$input){...Product}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<CreateProduct, CreateProductVariables>;

export const CREATE_ROOM =
  "mutation CreateRoom($input:CreateRoomInput!){createRoom(input:$input){...Room}}fragment Room on Room{id name private createdAt}" as TypedDocument<CreateRoom, CreateRoomVariables>;

export const DELETE_PRODUCT =
  "mutation DeleteProduct($input:DeleteProductInput!){deleteProduct(input:$input){...Product}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<DeleteProduct, DeleteProductVariables>;

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

export const GET_CART =
  "query GetCart($clientId:ID){cart(clientId:$clientId){...Cart}}fragment Cart on Cart{id lines{productId title quantity price addedAt}total currency version updatedAt expiresAt}" as TypedDocument<GetCart, GetCartVariables>;

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

export const MERGE_CART =
  "mutation MergeCart($input:MergeCartInput!){mergeCart(input:$input){...Cart}}fragment Cart on Cart{id lines{productId title quantity price addedAt}total currency version updatedAt expiresAt}" as TypedDocument<MergeCart, MergeCartVariables>;

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

export const ON_CART =
  "subscription OnCart($clientId:ID){onCart(clientId:$clientId){cartId topic firstSeq lastSeq items{...CartChange}}}fragment Cart on Cart{id lines{productId title quantity price addedAt}total currency version updatedAt expiresAt}fragment CartChange on CartChange{seq eventId kind at traceId key truncated cart{...Cart}}" as TypedDocument<OnCart, OnCartVariables>;

export const ON_CATEGORY =
  "subscription OnCategory($category:ID!){onCategory(category:$category){category topic firstSeq lastSeq items{...CategoryChange}}}fragment CategoryChange on CategoryChange{seq eventId kind at traceId key truncated product{...Product}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<OnCategory, OnCategoryVariables>;

export const ON_CLIENT =
  "subscription OnClient($clientId:ID!$lease:ID!){onClient(clientId:$clientId lease:$lease){clientId topic firstSeq lastSeq items{...ClientChange}}}fragment ClientChange on ClientChange{seq eventId kind at traceId key truncated notice{...Notice}}fragment Notice on Notice{id kind data sentAt expiresAt}" as TypedDocument<OnClient, OnClientVariables>;

export const ON_MESSAGES =
  "subscription OnMessages($roomId:ID!){onMessages(roomId:$roomId){roomId topic firstSeq lastSeq items{...MessageChange}}}fragment Message on Message{id roomId author text sentAt version originalTime}fragment MessageChange on MessageChange{seq eventId kind at traceId key truncated message{...Message}}" as TypedDocument<OnMessages, OnMessagesVariables>;

export const ON_ORDER =
  "subscription OnOrder{onOrder{userId topic firstSeq lastSeq items{...OrderChange}}}fragment OrderChange on OrderChange{seq eventId kind at traceId key truncated order{...ShopOrder}}fragment ShopOrder on ShopOrder{id status lines{productId title quantity price}total currency placedAt version}" as TypedDocument<OnOrder, OnOrderVariables>;

export const ON_PRESENCE =
  "subscription OnPresence($roomId:ID!){onPresence(roomId:$roomId){roomId topic firstSeq lastSeq items{...PresenceChange}}}fragment Presence on Presence{id roomId userId name joinedAt lastSeen absent}fragment PresenceChange on PresenceChange{seq eventId kind at traceId key truncated presence{...Presence}}" as TypedDocument<OnPresence, OnPresenceVariables>;

export const ON_PRODUCT =
  "subscription OnProduct($id:ID!){onProduct(id:$id){productId topic firstSeq lastSeq items{...ProductChange}}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}fragment ProductChange on ProductChange{seq eventId kind at traceId key truncated product{...Product}}" as TypedDocument<OnProduct, OnProductVariables>;

export const ON_USER =
  "subscription OnUser{onUser{userId topic firstSeq lastSeq items{...UserChange}}}fragment Notice on Notice{id kind data sentAt expiresAt}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment UserChange on UserChange{seq eventId kind at traceId key truncated profile{...Profile}notice{...Notice}}" as TypedDocument<OnUser, OnUserVariables>;

export const ORDER_BY_ID =
  "query OrderById($id:ID!){order(id:$id){...ShopOrder}}fragment ShopOrder on ShopOrder{id status lines{productId title quantity price}total currency placedAt version}" as TypedDocument<OrderById, OrderByIdVariables>;

export const ORDER_CHANGES =
  "query OrderChanges($after:Int!$limit:Int){orderChanges(after:$after limit:$limit){topic items{...OrderChange}lastSeq headSeq resyncRequired}}fragment OrderChange on OrderChange{seq eventId kind at traceId key truncated order{...ShopOrder}}fragment ShopOrder on ShopOrder{id status lines{productId title quantity price}total currency placedAt version}" as TypedDocument<OrderChanges, OrderChangesVariables>;

export const ORDER_HEAD =
  "query OrderHead{orderChanges(after:0 limit:1){headSeq}}" as TypedDocument<OrderHead, OrderHeadVariables>;

export const ORDERS =
  "query Orders($limit:Int$nextToken:String){orders(limit:$limit nextToken:$nextToken){items{...ShopOrder}nextToken}}fragment ShopOrder on ShopOrder{id status lines{productId title quantity price}total currency placedAt version}" as TypedDocument<Orders, OrdersVariables>;

export const PRESENCE_CHANGES =
  "query PresenceChanges($roomId:ID!$after:Int!$limit:Int){presenceChanges(roomId:$roomId after:$after limit:$limit){topic items{...PresenceChange}lastSeq headSeq resyncRequired}}fragment Presence on Presence{id roomId userId name joinedAt lastSeen absent}fragment PresenceChange on PresenceChange{seq eventId kind at traceId key truncated presence{...Presence}}" as TypedDocument<PresenceChanges, PresenceChangesVariables>;

export const PRESENCE_HEAD =
  "query PresenceHead($roomId:ID!){presenceChanges(roomId:$roomId after:0 limit:1){headSeq}}" as TypedDocument<PresenceHead, PresenceHeadVariables>;

export const PRESENCES =
  "query Presences($roomId:ID!$limit:Int$nextToken:String){presence(roomId:$roomId limit:$limit nextToken:$nextToken){items{...Presence}greyAfterSeconds nextToken}}fragment Presence on Presence{id roomId userId name joinedAt lastSeen absent}" as TypedDocument<Presences, PresencesVariables>;

export const PRODUCT_BY_ID =
  "query ProductById($id:ID!){product(id:$id){...Product}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<ProductById, ProductByIdVariables>;

export const PRODUCT_CHANGES =
  "query ProductChanges($id:ID!$after:Int!$limit:Int){productChanges(id:$id after:$after limit:$limit){topic items{...ProductChange}lastSeq headSeq resyncRequired}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}fragment ProductChange on ProductChange{seq eventId kind at traceId key truncated product{...Product}}" as TypedDocument<ProductChanges, ProductChangesVariables>;

export const PRODUCT_HEAD =
  "query ProductHead($id:ID!){productChanges(id:$id after:0 limit:1){headSeq}}" as TypedDocument<ProductHead, ProductHeadVariables>;

export const PRODUCTS =
  "query Products($category:ID$filter:ProductFilterInput$sort:ProductSort$limit:Int$nextToken:String){products(category:$category filter:$filter sort:$sort limit:$limit nextToken:$nextToken){items{...Product}nextToken}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<Products, ProductsVariables>;

export const REGISTER_CLIENT =
  "mutation RegisterClient($input:RegisterClientInput!){registerClient(input:$input){client{...Client}}}fragment Client on Client{id lease validUntil}" as TypedDocument<RegisterClient, RegisterClientVariables>;

export const REMOVE_FROM_CART =
  "mutation RemoveFromCart($input:RemoveFromCartInput!){removeFromCart(input:$input){...Cart}}fragment Cart on Cart{id lines{productId title quantity price addedAt}total currency version updatedAt expiresAt}" as TypedDocument<RemoveFromCart, RemoveFromCartVariables>;

export const RESIGN_MEMBERSHIP =
  "mutation ResignMembership($roomId:ID!$clientMutationId:ID){resignMembership(roomId:$roomId clientMutationId:$clientMutationId){...MembershipEnd}}fragment MembershipEnd on MembershipEnd{roomId userId}" as TypedDocument<ResignMembership, ResignMembershipVariables>;

export const REVOKE_AUTH_KEY =
  "mutation RevokeAuthKey($id:ID!$clientMutationId:ID){revokeAuthKey(id:$id clientMutationId:$clientMutationId){...AuthKey}}fragment AuthKey on AuthKey{id name scopes createdAt createdBy validUntil revokedAt}" as TypedDocument<RevokeAuthKey, RevokeAuthKeyVariables>;

export const ROOM_BY_ID =
  "query RoomById($id:ID!){room(id:$id){...Room}}fragment Room on Room{id name private createdAt}" as TypedDocument<RoomById, RoomByIdVariables>;

export const ROOMS =
  "query Rooms($limit:Int$nextToken:String){rooms(limit:$limit nextToken:$nextToken){items{...Room}nextToken}}fragment Room on Room{id name private createdAt}" as TypedDocument<Rooms, RoomsVariables>;

export const SEARCH_PRODUCTS =
  "query SearchProducts($text:String!$filter:ProductFilterInput$limit:Int){searchProducts(text:$text filter:$filter limit:$limit){items{score product{...Product}}}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<SearchProducts, SearchProductsVariables>;

export const SEND_MESSAGE =
  "mutation SendMessage($input:SendMessageInput!){sendMessage(input:$input){...Message}}fragment Message on Message{id roomId author text sentAt version originalTime}" as TypedDocument<SendMessage, SendMessageVariables>;

export const SEND_MESSAGES =
  "mutation SendMessages($input:SendMessagesInput!){sendMessages(input:$input){messages{...Message}}}fragment Message on Message{id roomId author text sentAt version originalTime}" as TypedDocument<SendMessages, SendMessagesVariables>;

export const SET_PRICE =
  "mutation SetPrice($input:SetPriceInput!){setPrice(input:$input){...Product}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<SetPrice, SetPriceVariables>;

export const SET_USER_GROUPS =
  "mutation SetUserGroups($id:ID!$groups:[String!]!$clientMutationId:ID){setUserGroups(id:$id groups:$groups clientMutationId:$clientMutationId){...User}}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment User on User{id name email groups status enabled createdAt deletedAt profile{...Profile}}" as TypedDocument<SetUserGroups, SetUserGroupsVariables>;

export const SIGN_OUT =
  "mutation SignOut($clientMutationId:ID){signOut(clientMutationId:$clientMutationId){userId}}" as TypedDocument<SignOut, SignOutVariables>;

export const START_CLIENT =
  "mutation StartClient($input:RegisterClientInput!$rooms:[ID!]$backlogLimit:Int$signedIn:Boolean=false){registerClient(input:$input){client{...Client}bootstrap(rooms:$rooms backlogLimit:$backlogLimit){...Bootstrap me@include(if:$signedIn){...User}}}}fragment Bootstrap on Bootstrap{client{...Client}features{apiVersion topics flags retentionSeconds heartbeatSeconds limits{messageCharacters messages roomIdCharacters changes noticeBytes bootstrapRooms bootstrapBacklog}}rooms{roomId room{...Room}standing headSeq messages{items{...Message}nextToken}problem{errorType message}}membershipsNextToken userNotices{...NoticeConnection}clientNotices{...NoticeConnection}}fragment Client on Client{id lease validUntil}fragment Message on Message{id roomId author text sentAt version originalTime}fragment Notice on Notice{id kind data sentAt expiresAt}fragment NoticeConnection on NoticeConnection{topic items{...Notice}headSeq nextToken}fragment Profile on Profile{id displayName attributes{...ProfileAttribute}createdAt updatedAt version}fragment ProfileAttribute on ProfileAttribute{name value}fragment Room on Room{id name private createdAt}fragment User on User{id name email groups status enabled createdAt deletedAt profile{...Profile}}" as TypedDocument<StartClient, StartClientVariables>;

export const UPDATE_PRODUCT =
  "mutation UpdateProduct($input:UpdateProductInput!){updateProduct(input:$input){...Product}}fragment Product on Product{id title authors category path description price currency stock rating ratingsCount year language isbn imageUrl derived version createdAt updatedAt}" as TypedDocument<UpdateProduct, UpdateProductVariables>;

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
