# Generated from client/operations by `python -m tools.client_types`; do not edit.

"""The stored operations, as they are sent."""

ACCEPT_INVITATION = """\
mutation AcceptInvitation($roomId: ID!, $clientMutationId: ID) {
  acceptInvitation(roomId: $roomId, clientMutationId: $clientMutationId) {
    ...Membership
  }
}

fragment Membership on Membership {
  room {
    ...Room
  }
  standing
  since
}

fragment Room on Room {
  id
  name
  private
  createdAt
}
"""

AUTH_KEYS = """\
query AuthKeys($limit: Int, $nextToken: String) {
  authKeys(limit: $limit, nextToken: $nextToken) {
    items {
      ...AuthKey
    }
    nextToken
  }
}

fragment AuthKey on AuthKey {
  id
  name
  scopes
  createdAt
  createdBy
  validUntil
  revokedAt
}
"""

CLIENT_CHANGES = """\
query ClientChanges($clientId: ID!, $after: Int!, $limit: Int) {
  clientChanges(clientId: $clientId, after: $after, limit: $limit) {
    topic
    items {
      ...ClientChange
    }
    lastSeq
    headSeq
    resyncRequired
  }
}

fragment ClientChange on ClientChange {
  seq
  eventId
  kind
  at
  traceId
  key
  truncated
  notice {
    ...Notice
  }
}

fragment Notice on Notice {
  id
  kind
  data
  sentAt
  expiresAt
}
"""

CLIENT_HEAD = """\
query ClientHead($clientId: ID!) {
  clientChanges(clientId: $clientId, after: 0, limit: 1) {
    headSeq
  }
}
"""

CREATE_AUTH_KEY = """\
mutation CreateAuthKey($input: CreateAuthKeyInput!) {
  createAuthKey(input: $input) {
    key
    authKey {
      ...AuthKey
    }
  }
}

fragment AuthKey on AuthKey {
  id
  name
  scopes
  createdAt
  createdBy
  validUntil
  revokedAt
}
"""

CREATE_ROOM = """\
mutation CreateRoom($input: CreateRoomInput!) {
  createRoom(input: $input) {
    ...Room
  }
}

fragment Room on Room {
  id
  name
  private
  createdAt
}
"""

DELETE_USER = """\
mutation DeleteUser($id: ID, $clientMutationId: ID) {
  deleteUser(id: $id, clientMutationId: $clientMutationId) {
    userId
    done
  }
}
"""

DISCONNECT_USER = """\
mutation DisconnectUser($id: ID!, $clientMutationId: ID) {
  disconnectUser(id: $id, clientMutationId: $clientMutationId) {
    userId
  }
}
"""

DISMISS_NOTICE = """\
mutation DismissNotice($id: ID!, $clientId: ID, $clientMutationId: ID) {
  dismissNotice(id: $id, clientId: $clientId, clientMutationId: $clientMutationId) {
    id
    topic
  }
}
"""

EXPEL_MEMBER = """\
mutation ExpelMember($roomId: ID!, $userId: ID!, $clientMutationId: ID) {
  expelMember(
    roomId: $roomId
    userId: $userId
    clientMutationId: $clientMutationId
  ) {
    ...MembershipEnd
  }
}

fragment MembershipEnd on MembershipEnd {
  roomId
  userId
}
"""

GET_BOOTSTRAP = """\
query GetBootstrap($clientId: ID!, $rooms: [ID!], $backlogLimit: Int, $signedIn: Boolean = false) {
  bootstrap(clientId: $clientId, rooms: $rooms, backlogLimit: $backlogLimit) {
    ...Bootstrap
    me @include(if: $signedIn) {
      ...User
    }
  }
}

fragment Bootstrap on Bootstrap {
  client {
    ...Client
  }
  features {
    apiVersion
    topics
    flags
    retentionSeconds
    heartbeatSeconds
    limits {
      messageCharacters
      messages
      roomIdCharacters
      changes
      noticeBytes
      bootstrapRooms
      bootstrapBacklog
    }
  }
  rooms {
    roomId
    room {
      ...Room
    }
    standing
    headSeq
    messages {
      items {
        ...Message
      }
      nextToken
    }
    problem {
      errorType
      message
    }
  }
  membershipsNextToken
  userNotices {
    ...NoticeConnection
  }
  clientNotices {
    ...NoticeConnection
  }
}

fragment Client on Client {
  id
  lease
  validUntil
}

fragment Message on Message {
  id
  roomId
  author
  text
  sentAt
  version
  originalTime
}

fragment Notice on Notice {
  id
  kind
  data
  sentAt
  expiresAt
}

fragment NoticeConnection on NoticeConnection {
  topic
  items {
    ...Notice
  }
  headSeq
  nextToken
}

fragment Profile on Profile {
  id
  displayName
  attributes {
    ...ProfileAttribute
  }
  createdAt
  updatedAt
  version
}

fragment ProfileAttribute on ProfileAttribute {
  name
  value
}

fragment Room on Room {
  id
  name
  private
  createdAt
}

fragment User on User {
  id
  name
  email
  groups
  status
  enabled
  createdAt
  deletedAt
  profile {
    ...Profile
  }
}
"""

HEARTBEAT = """\
mutation Heartbeat($input: HeartbeatInput!) {
  heartbeat(input: $input) {
    lastSeen
    heartbeatSeconds
  }
}
"""

INVITE_MEMBER = """\
mutation InviteMember($roomId: ID!, $userId: ID!, $clientMutationId: ID) {
  inviteMember(
    roomId: $roomId
    userId: $userId
    clientMutationId: $clientMutationId
  ) {
    ...Member
  }
}

fragment Member on Member {
  userId
  displayName
  standing
  since
}
"""

JOIN_ROOM = """\
mutation JoinRoom($input: JoinRoomInput!) {
  joinRoom(input: $input) {
    presence {
      ...Presence
    }
    heartbeatSeconds
    greyAfterSeconds
  }
}

fragment Presence on Presence {
  id
  roomId
  userId
  name
  joinedAt
  lastSeen
  absent
}
"""

LEAVE_ROOM = """\
mutation LeaveRoom($input: LeaveRoomInput!) {
  leaveRoom(input: $input) {
    roomId
    id
  }
}
"""

ME = """\
query Me {
  me {
    ...User
  }
}

fragment Profile on Profile {
  id
  displayName
  attributes {
    ...ProfileAttribute
  }
  createdAt
  updatedAt
  version
}

fragment ProfileAttribute on ProfileAttribute {
  name
  value
}

fragment User on User {
  id
  name
  email
  groups
  status
  enabled
  createdAt
  deletedAt
  profile {
    ...Profile
  }
}
"""

MEMBERS = """\
query Members($roomId: ID!, $limit: Int, $nextToken: String) {
  members(roomId: $roomId, limit: $limit, nextToken: $nextToken) {
    items {
      ...Member
    }
    nextToken
  }
}

fragment Member on Member {
  userId
  displayName
  standing
  since
}
"""

MEMBERSHIPS = """\
query Memberships($limit: Int, $nextToken: String) {
  memberships(limit: $limit, nextToken: $nextToken) {
    items {
      ...Membership
    }
    nextToken
  }
}

fragment Membership on Membership {
  room {
    ...Room
  }
  standing
  since
}

fragment Room on Room {
  id
  name
  private
  createdAt
}
"""

MESSAGE_CHANGES = """\
query MessageChanges($roomId: ID!, $after: Int!, $limit: Int) {
  messageChanges(roomId: $roomId, after: $after, limit: $limit) {
    topic
    items {
      ...MessageChange
    }
    lastSeq
    headSeq
    resyncRequired
  }
}

fragment Message on Message {
  id
  roomId
  author
  text
  sentAt
  version
  originalTime
}

fragment MessageChange on MessageChange {
  seq
  eventId
  kind
  at
  traceId
  key
  truncated
  message {
    ...Message
  }
}
"""

MESSAGE_HEAD = """\
query MessageHead($roomId: ID!) {
  messageChanges(roomId: $roomId, after: 0, limit: 1) {
    headSeq
  }
}
"""

MESSAGES = """\
query Messages($roomId: ID!, $order: Order, $limit: Int, $nextToken: String) {
  messages(roomId: $roomId, order: $order, limit: $limit, nextToken: $nextToken) {
    items {
      ...Message
    }
    nextToken
  }
}

fragment Message on Message {
  id
  roomId
  author
  text
  sentAt
  version
  originalTime
}
"""

NOTICES = """\
query Notices($clientId: ID, $limit: Int, $nextToken: String) {
  notices(clientId: $clientId, limit: $limit, nextToken: $nextToken) {
    ...NoticeConnection
  }
}

fragment Notice on Notice {
  id
  kind
  data
  sentAt
  expiresAt
}

fragment NoticeConnection on NoticeConnection {
  topic
  items {
    ...Notice
  }
  headSeq
  nextToken
}
"""

NOTIFY = """\
mutation Notify($input: NotifyInput!) {
  notify(input: $input) {
    ...Notice
  }
}

fragment Notice on Notice {
  id
  kind
  data
  sentAt
  expiresAt
}
"""

ON_CLIENT = """\
subscription OnClient($clientId: ID!, $lease: ID!) {
  onClient(clientId: $clientId, lease: $lease) {
    clientId
    topic
    firstSeq
    lastSeq
    items {
      ...ClientChange
    }
  }
}

fragment ClientChange on ClientChange {
  seq
  eventId
  kind
  at
  traceId
  key
  truncated
  notice {
    ...Notice
  }
}

fragment Notice on Notice {
  id
  kind
  data
  sentAt
  expiresAt
}
"""

ON_MESSAGES = """\
subscription OnMessages($roomId: ID!) {
  onMessages(roomId: $roomId) {
    roomId
    topic
    firstSeq
    lastSeq
    items {
      ...MessageChange
    }
  }
}

fragment Message on Message {
  id
  roomId
  author
  text
  sentAt
  version
  originalTime
}

fragment MessageChange on MessageChange {
  seq
  eventId
  kind
  at
  traceId
  key
  truncated
  message {
    ...Message
  }
}
"""

ON_PRESENCE = """\
subscription OnPresence($roomId: ID!) {
  onPresence(roomId: $roomId) {
    roomId
    topic
    firstSeq
    lastSeq
    items {
      ...PresenceChange
    }
  }
}

fragment Presence on Presence {
  id
  roomId
  userId
  name
  joinedAt
  lastSeen
  absent
}

fragment PresenceChange on PresenceChange {
  seq
  eventId
  kind
  at
  traceId
  key
  truncated
  presence {
    ...Presence
  }
}
"""

ON_USER = """\
subscription OnUser {
  onUser {
    userId
    topic
    firstSeq
    lastSeq
    items {
      ...UserChange
    }
  }
}

fragment Notice on Notice {
  id
  kind
  data
  sentAt
  expiresAt
}

fragment Profile on Profile {
  id
  displayName
  attributes {
    ...ProfileAttribute
  }
  createdAt
  updatedAt
  version
}

fragment ProfileAttribute on ProfileAttribute {
  name
  value
}

fragment UserChange on UserChange {
  seq
  eventId
  kind
  at
  traceId
  key
  truncated
  profile {
    ...Profile
  }
  notice {
    ...Notice
  }
}
"""

PRESENCE_CHANGES = """\
query PresenceChanges($roomId: ID!, $after: Int!, $limit: Int) {
  presenceChanges(roomId: $roomId, after: $after, limit: $limit) {
    topic
    items {
      ...PresenceChange
    }
    lastSeq
    headSeq
    resyncRequired
  }
}

fragment Presence on Presence {
  id
  roomId
  userId
  name
  joinedAt
  lastSeen
  absent
}

fragment PresenceChange on PresenceChange {
  seq
  eventId
  kind
  at
  traceId
  key
  truncated
  presence {
    ...Presence
  }
}
"""

PRESENCE_HEAD = """\
query PresenceHead($roomId: ID!) {
  presenceChanges(roomId: $roomId, after: 0, limit: 1) {
    headSeq
  }
}
"""

PRESENCES = """\
query Presences($roomId: ID!, $limit: Int, $nextToken: String) {
  presence(roomId: $roomId, limit: $limit, nextToken: $nextToken) {
    items {
      ...Presence
    }
    greyAfterSeconds
    nextToken
  }
}

fragment Presence on Presence {
  id
  roomId
  userId
  name
  joinedAt
  lastSeen
  absent
}
"""

REGISTER_CLIENT = """\
mutation RegisterClient($input: RegisterClientInput!) {
  registerClient(input: $input) {
    client {
      ...Client
    }
  }
}

fragment Client on Client {
  id
  lease
  validUntil
}
"""

RESIGN_MEMBERSHIP = """\
mutation ResignMembership($roomId: ID!, $clientMutationId: ID) {
  resignMembership(roomId: $roomId, clientMutationId: $clientMutationId) {
    ...MembershipEnd
  }
}

fragment MembershipEnd on MembershipEnd {
  roomId
  userId
}
"""

REVOKE_AUTH_KEY = """\
mutation RevokeAuthKey($id: ID!, $clientMutationId: ID) {
  revokeAuthKey(id: $id, clientMutationId: $clientMutationId) {
    ...AuthKey
  }
}

fragment AuthKey on AuthKey {
  id
  name
  scopes
  createdAt
  createdBy
  validUntil
  revokedAt
}
"""

ROOM_BY_ID = """\
query RoomById($id: ID!) {
  room(id: $id) {
    ...Room
  }
}

fragment Room on Room {
  id
  name
  private
  createdAt
}
"""

ROOMS = """\
query Rooms($limit: Int, $nextToken: String) {
  rooms(limit: $limit, nextToken: $nextToken) {
    items {
      ...Room
    }
    nextToken
  }
}

fragment Room on Room {
  id
  name
  private
  createdAt
}
"""

SEND_MESSAGE = """\
mutation SendMessage($input: SendMessageInput!) {
  sendMessage(input: $input) {
    ...Message
  }
}

fragment Message on Message {
  id
  roomId
  author
  text
  sentAt
  version
  originalTime
}
"""

SEND_MESSAGES = """\
mutation SendMessages($input: SendMessagesInput!) {
  sendMessages(input: $input) {
    messages {
      ...Message
    }
  }
}

fragment Message on Message {
  id
  roomId
  author
  text
  sentAt
  version
  originalTime
}
"""

SET_USER_GROUPS = """\
mutation SetUserGroups($id: ID!, $groups: [String!]!, $clientMutationId: ID) {
  setUserGroups(id: $id, groups: $groups, clientMutationId: $clientMutationId) {
    ...User
  }
}

fragment Profile on Profile {
  id
  displayName
  attributes {
    ...ProfileAttribute
  }
  createdAt
  updatedAt
  version
}

fragment ProfileAttribute on ProfileAttribute {
  name
  value
}

fragment User on User {
  id
  name
  email
  groups
  status
  enabled
  createdAt
  deletedAt
  profile {
    ...Profile
  }
}
"""

SIGN_OUT = """\
mutation SignOut($clientMutationId: ID) {
  signOut(clientMutationId: $clientMutationId) {
    userId
  }
}
"""

START_CLIENT = """\
mutation StartClient($input: RegisterClientInput!, $rooms: [ID!], $backlogLimit: Int, $signedIn: Boolean = false) {
  registerClient(input: $input) {
    client {
      ...Client
    }
    bootstrap(rooms: $rooms, backlogLimit: $backlogLimit) {
      ...Bootstrap
      me @include(if: $signedIn) {
        ...User
      }
    }
  }
}

fragment Bootstrap on Bootstrap {
  client {
    ...Client
  }
  features {
    apiVersion
    topics
    flags
    retentionSeconds
    heartbeatSeconds
    limits {
      messageCharacters
      messages
      roomIdCharacters
      changes
      noticeBytes
      bootstrapRooms
      bootstrapBacklog
    }
  }
  rooms {
    roomId
    room {
      ...Room
    }
    standing
    headSeq
    messages {
      items {
        ...Message
      }
      nextToken
    }
    problem {
      errorType
      message
    }
  }
  membershipsNextToken
  userNotices {
    ...NoticeConnection
  }
  clientNotices {
    ...NoticeConnection
  }
}

fragment Client on Client {
  id
  lease
  validUntil
}

fragment Message on Message {
  id
  roomId
  author
  text
  sentAt
  version
  originalTime
}

fragment Notice on Notice {
  id
  kind
  data
  sentAt
  expiresAt
}

fragment NoticeConnection on NoticeConnection {
  topic
  items {
    ...Notice
  }
  headSeq
  nextToken
}

fragment Profile on Profile {
  id
  displayName
  attributes {
    ...ProfileAttribute
  }
  createdAt
  updatedAt
  version
}

fragment ProfileAttribute on ProfileAttribute {
  name
  value
}

fragment Room on Room {
  id
  name
  private
  createdAt
}

fragment User on User {
  id
  name
  email
  groups
  status
  enabled
  createdAt
  deletedAt
  profile {
    ...Profile
  }
}
"""

UPDATE_PROFILE = """\
mutation UpdateProfile($input: UpdateProfileInput!) {
  updateProfile(input: $input) {
    ...Profile
  }
}

fragment Profile on Profile {
  id
  displayName
  attributes {
    ...ProfileAttribute
  }
  createdAt
  updatedAt
  version
}

fragment ProfileAttribute on ProfileAttribute {
  name
  value
}
"""

USER_BY_ID = """\
query UserById($id: ID!) {
  user(id: $id) {
    ...User
  }
}

fragment Profile on Profile {
  id
  displayName
  attributes {
    ...ProfileAttribute
  }
  createdAt
  updatedAt
  version
}

fragment ProfileAttribute on ProfileAttribute {
  name
  value
}

fragment User on User {
  id
  name
  email
  groups
  status
  enabled
  createdAt
  deletedAt
  profile {
    ...Profile
  }
}
"""

USER_CHANGES = """\
query UserChanges($after: Int!, $limit: Int) {
  userChanges(after: $after, limit: $limit) {
    topic
    items {
      ...UserChange
    }
    lastSeq
    headSeq
    resyncRequired
  }
}

fragment Notice on Notice {
  id
  kind
  data
  sentAt
  expiresAt
}

fragment Profile on Profile {
  id
  displayName
  attributes {
    ...ProfileAttribute
  }
  createdAt
  updatedAt
  version
}

fragment ProfileAttribute on ProfileAttribute {
  name
  value
}

fragment UserChange on UserChange {
  seq
  eventId
  kind
  at
  traceId
  key
  truncated
  profile {
    ...Profile
  }
  notice {
    ...Notice
  }
}
"""

USER_HEAD = """\
query UserHead {
  userChanges(after: 0, limit: 1) {
    headSeq
  }
}
"""

USERS = """\
query Users($limit: Int, $nextToken: String) {
  users(limit: $limit, nextToken: $nextToken) {
    items {
      ...User
    }
    nextToken
  }
}

fragment Profile on Profile {
  id
  displayName
  attributes {
    ...ProfileAttribute
  }
  createdAt
  updatedAt
  version
}

fragment ProfileAttribute on ProfileAttribute {
  name
  value
}

fragment User on User {
  id
  name
  email
  groups
  status
  enabled
  createdAt
  deletedAt
  profile {
    ...Profile
  }
}
"""
