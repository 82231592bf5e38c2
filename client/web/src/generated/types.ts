// Generated from client/operations by `npm run types`; do not edit.

export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
export type MakeOptional<T, K extends keyof T> = Omit<T, K> & { [SubKey in K]?: Maybe<T[SubKey]> };
export type MakeMaybe<T, K extends keyof T> = Omit<T, K> & { [SubKey in K]: Maybe<T[SubKey]> };
export type MakeEmpty<T extends { [key: string]: unknown }, K extends keyof T> = { [_ in K]?: never };
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  AWSDate: { input: string; output: string; }
  AWSTime: { input: string; output: string; }
  AWSDateTime: { input: string; output: string; }
  AWSTimestamp: { input: number; output: number; }
  AWSEmail: { input: string; output: string; }
  AWSJSON: { input: string; output: string; }
  AWSURL: { input: string; output: string; }
  AWSPhone: { input: string; output: string; }
  AWSIPAddress: { input: string; output: string; }
};

/** In which order a list is read. */
export type Order =
  /** By time, from the first on. */
  | 'OLDEST_FIRST'
  /** By time, from the last back. */
  | 'NEWEST_FIRST'
  | '%future added value';

/** What happened to an item. */
export type ChangeKind =
  /** It is new. */
  | 'INSERT'
  /** It is another than before. */
  | 'MODIFY'
  /** It is gone: deleted or expired. */
  | 'REMOVE'
  | '%future added value';

/** What a user is to a private room. */
export type Standing =
  /** Invited, and no member yet. */
  | 'INVITED'
  /** A member: reads, writes, subscribes. */
  | 'MEMBER'
  /** The one member who also invites and expels. */
  | 'OWNER'
  | '%future added value';

/** The order of products. Whatever lacks the value comes first in an order that goes up, and last in one that goes down. */
export type ProductSort =
  /** The cheapest first. */
  | 'PRICE_ASC'
  /** The dearest first. */
  | 'PRICE_DESC'
  /** The best rated first. */
  | 'RATING_DESC'
  /** The worst rated first. */
  | 'RATING_ASC'
  /** By title: without case and accents, otherwise by code points, up to 200 characters. */
  | 'TITLE_ASC'
  /** By title, backwards. */
  | 'TITLE_DESC'
  /** The newest first, by when they were made. */
  | 'NEWEST'
  /** The oldest first. */
  | 'OLDEST'
  | '%future added value';

/**
 * Which products: those for which everything here holds. At most 50 comparisons and 50 parts of `and` and `or`, nested up
 * to five deep. A missing value meets `ne` only, and what `not` inverts. What is null is as if it were left out.
 */
export type ProductFilterInput = {
  /** The price in cents. */
  readonly price?: InputMaybe<IntFilterInput>;
  /** The mean rating. */
  readonly rating?: InputMaybe<FloatFilterInput>;
  /** The year of publication. */
  readonly year?: InputMaybe<IntFilterInput>;
  /** How many pieces there are. */
  readonly stock?: InputMaybe<IntFilterInput>;
  /** The authors: a comparison holds when it does for one of them, `ne` when none of them is equal. */
  readonly author?: InputMaybe<TextFilterInput>;
  /** The code of the language. */
  readonly language?: InputMaybe<TextFilterInput>;
  /** The title. */
  readonly title?: InputMaybe<TextFilterInput>;
  /** All of these hold. */
  readonly and?: InputMaybe<ReadonlyArray<ProductFilterInput>>;
  /** At least one of these holds. Not empty. */
  readonly or?: InputMaybe<ReadonlyArray<ProductFilterInput>>;
  /** This does not hold. */
  readonly not?: InputMaybe<ProductFilterInput>;
};

/** Comparisons of a whole number; all that are given must hold. */
export type IntFilterInput = {
  /** Equal. */
  readonly eq?: InputMaybe<Scalars['Int']['input']>;
  /** Not equal. */
  readonly ne?: InputMaybe<Scalars['Int']['input']>;
  /** Less. */
  readonly lt?: InputMaybe<Scalars['Int']['input']>;
  /** Less or equal. */
  readonly le?: InputMaybe<Scalars['Int']['input']>;
  /** Greater. */
  readonly gt?: InputMaybe<Scalars['Int']['input']>;
  /** Greater or equal. */
  readonly ge?: InputMaybe<Scalars['Int']['input']>;
  /** The lowest and the highest, both included. */
  readonly between?: InputMaybe<ReadonlyArray<Scalars['Int']['input']>>;
  /** One of up to 100. */
  readonly in?: InputMaybe<ReadonlyArray<Scalars['Int']['input']>>;
};

/** Comparisons of a number; all that are given must hold. */
export type FloatFilterInput = {
  /** Equal. */
  readonly eq?: InputMaybe<Scalars['Float']['input']>;
  /** Not equal. */
  readonly ne?: InputMaybe<Scalars['Float']['input']>;
  /** Less. */
  readonly lt?: InputMaybe<Scalars['Float']['input']>;
  /** Less or equal. */
  readonly le?: InputMaybe<Scalars['Float']['input']>;
  /** Greater. */
  readonly gt?: InputMaybe<Scalars['Float']['input']>;
  /** Greater or equal. */
  readonly ge?: InputMaybe<Scalars['Float']['input']>;
  /** The lowest and the highest, both included. */
  readonly between?: InputMaybe<ReadonlyArray<Scalars['Float']['input']>>;
  /** One of up to 100. */
  readonly in?: InputMaybe<ReadonlyArray<Scalars['Float']['input']>>;
};

/** Comparisons of a text, where case counts; all that are given must hold. Each text has at most 256 characters. */
export type TextFilterInput = {
  /** Equal. */
  readonly eq?: InputMaybe<Scalars['String']['input']>;
  /** Not equal. */
  readonly ne?: InputMaybe<Scalars['String']['input']>;
  /** One of up to 100. */
  readonly in?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  /** Has this in it. */
  readonly contains?: InputMaybe<Scalars['String']['input']>;
  /** Begins with this. */
  readonly beginsWith?: InputMaybe<Scalars['String']['input']>;
};

/** How far an order is. */
export type OrderStatus =
  /** It is placed: the pieces are taken off the stock. */
  | 'PENDING'
  /** It will be delivered. */
  | 'CONFIRMED'
  /** It will not be. */
  | 'REJECTED'
  | '%future added value';

/** A room to make. */
export type CreateRoomInput = {
  /** The id of a public room: 1 to 128 characters, no control characters, no blank at either end, not `private:` in front. */
  readonly id?: InputMaybe<Scalars['ID']['input']>;
  /** What it is called: 1 to 64 characters. */
  readonly name?: InputMaybe<Scalars['String']['input']>;
  /** Whether it is its members' alone; not when omitted. The server gives the id of a private room, so that none tells. */
  readonly private?: InputMaybe<Scalars['Boolean']['input']>;
  /** Up to 128 characters, chosen by the client: again with the same id makes nothing and answers the same. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A message to send. Its id and time are the server's. */
export type SendMessageInput = {
  /** The room: 1 to 128 characters, no control characters, no blank at either end. */
  readonly roomId: Scalars['ID']['input'];
  /** What to write: 1 to 4000 characters. */
  readonly text: Scalars['String']['input'];
  /** A display name of 1 to 64 characters, for callers without a signed-in user. */
  readonly author?: InputMaybe<Scalars['String']['input']>;
  /** The time of an imported message in its source: up to 64 characters, kept as given. */
  readonly originalTime?: InputMaybe<Scalars['String']['input']>;
  /** Up to 128 characters, chosen by the client: sending again with the same id stores nothing and answers the same. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** Messages to send to one room together. */
export type SendMessagesInput = {
  /** The room: 1 to 128 characters, no control characters, no blank at either end. */
  readonly roomId: Scalars['ID']['input'];
  /** 1 to 90 messages. */
  readonly messages: ReadonlyArray<NewMessageInput>;
  /** Up to 128 characters, chosen by the client: sending again with the same id stores nothing and answers the same. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** One of several messages to send. */
export type NewMessageInput = {
  /** What to write: 1 to 4000 characters. */
  readonly text: Scalars['String']['input'];
  /** A display name of 1 to 64 characters, for callers without a signed-in user. */
  readonly author?: InputMaybe<Scalars['String']['input']>;
  /** The time of an imported message in its source: up to 64 characters, kept as given. */
  readonly originalTime?: InputMaybe<Scalars['String']['input']>;
};

/** A client that comes into a room. */
export type JoinRoomInput = {
  /** The room: 1 to 128 characters, no control characters, no blank at either end. */
  readonly roomId: Scalars['ID']['input'];
  /**
   * 1 to 128 characters, chosen by the client and kept for as long as it runs: it tells a user's devices and tabs apart.
   * Callers with the API key are one caller, so theirs must be one that nobody guesses: a UUID. It is shown to nobody.
   */
  readonly clientId: Scalars['ID']['input'];
  /** A display name of 1 to 64 characters, for callers without a signed-in user. */
  readonly name?: InputMaybe<Scalars['String']['input']>;
  /** Up to 128 characters, chosen by the client. Joining again changes nothing more, with or without. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A client that is still there. */
export type HeartbeatInput = {
  /** The room. */
  readonly roomId: Scalars['ID']['input'];
  /** The client, as it joined. */
  readonly clientId: Scalars['ID']['input'];
  /** Up to 128 characters, chosen by the client. A heartbeat that comes again is one more, with or without. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A client that goes. */
export type LeaveRoomInput = {
  /** The room. */
  readonly roomId: Scalars['ID']['input'];
  /** The client, as it joined. */
  readonly clientId: Scalars['ID']['input'];
  /** Up to 128 characters, chosen by the client. Leaving again changes nothing more, with or without. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A category to make. */
export type CreateCategoryInput = {
  /** Its id: 1 to 64 small letters, digits or hyphens. */
  readonly id: Scalars['ID']['input'];
  /** What it is called: 1 to 128 characters of one line. */
  readonly name: Scalars['String']['input'];
  /** The category that it is part of; omitted, it is a root. It never moves. There are at most 8 on the way down to it. */
  readonly parent?: InputMaybe<Scalars['ID']['input']>;
  /** Up to 128 characters, chosen by the client: the same id again changes nothing, and answers the same. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A product to make. */
export type CreateProductInput = {
  /** Its id: 1 to 64 letters, digits or hyphens. Omitted, the server gives it one. */
  readonly id?: InputMaybe<Scalars['ID']['input']>;
  /** What it is called: 1 to 256 characters of one line. */
  readonly title: Scalars['String']['input'];
  /** Who wrote it: up to 100 names of 1 to 128 characters. */
  readonly authors?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  /** The category that it is in. */
  readonly category: Scalars['ID']['input'];
  /** What it is about: up to 4000 characters. */
  readonly description?: InputMaybe<Scalars['String']['input']>;
  /** What a piece costs: 0 to 10000000 cents. */
  readonly price: Scalars['Int']['input'];
  /** How many pieces there are: up to 1000000, 0 when omitted. */
  readonly stock?: InputMaybe<Scalars['Int']['input']>;
  /** 0 to 5; two decimals are kept. */
  readonly rating?: InputMaybe<Scalars['Float']['input']>;
  /** How many said so. */
  readonly ratingsCount?: InputMaybe<Scalars['Int']['input']>;
  /** When it was published first, -9999 to 9999. */
  readonly year?: InputMaybe<Scalars['Int']['input']>;
  /** A code such as `eng` or `en-US`. */
  readonly language?: InputMaybe<Scalars['String']['input']>;
  /** Digits without hyphens, of which the last may be an X. */
  readonly isbn?: InputMaybe<Scalars['String']['input']>;
  /** An http or https URL. */
  readonly imageUrl?: InputMaybe<Scalars['String']['input']>;
  /** Up to 128 characters, chosen by the client: the same id again changes nothing, and answers the same. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** What to change of a product. */
export type UpdateProductInput = {
  /** The product. */
  readonly id: Scalars['ID']['input'];
  /** The version that the client has seen: another one now is a `VersionConflict`. */
  readonly version: Scalars['Int']['input'];
  /** What it is called: 1 to 256 characters of one line. */
  readonly title?: InputMaybe<Scalars['String']['input']>;
  /** Who wrote it: up to 100 names of 1 to 128 characters. */
  readonly authors?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  /** The category that it is in. */
  readonly category?: InputMaybe<Scalars['ID']['input']>;
  /** What it is about: up to 4000 characters. */
  readonly description?: InputMaybe<Scalars['String']['input']>;
  /** 0 to 5; two decimals are kept. */
  readonly rating?: InputMaybe<Scalars['Float']['input']>;
  /** How many said so. */
  readonly ratingsCount?: InputMaybe<Scalars['Int']['input']>;
  /** When it was published first, -9999 to 9999. */
  readonly year?: InputMaybe<Scalars['Int']['input']>;
  /** A code such as `eng` or `en-US`. */
  readonly language?: InputMaybe<Scalars['String']['input']>;
  /** Digits without hyphens, of which the last may be an X. */
  readonly isbn?: InputMaybe<Scalars['String']['input']>;
  /** An http or https URL. */
  readonly imageUrl?: InputMaybe<Scalars['String']['input']>;
  /** Up to 128 characters, chosen by the client: the same id again changes nothing, and answers the same. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A price to set. */
export type SetPriceInput = {
  /** The product. */
  readonly id: Scalars['ID']['input'];
  /** What a piece costs: 0 to 10000000 cents. */
  readonly price: Scalars['Int']['input'];
  /** The version that the client has seen: another one now is a `VersionConflict`. */
  readonly version: Scalars['Int']['input'];
  /** Up to 128 characters, chosen by the client: the same id again changes nothing, and answers the same. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A change of what there is of a product. */
export type ChangeStockInput = {
  /** The product. */
  readonly id: Scalars['ID']['input'];
  /** How many pieces come, or go when it is negative. More than there are is `OutOfStock`. */
  readonly by: Scalars['Int']['input'];
  /** Up to 128 characters, chosen by the client: the same id again changes nothing, and answers the same. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A product to remove. */
export type DeleteProductInput = {
  /** The product. */
  readonly id: Scalars['ID']['input'];
  /** The version that the client has seen: another one now is a `VersionConflict`. */
  readonly version: Scalars['Int']['input'];
  /** Up to 128 characters, chosen by the client: the same id again changes nothing, and answers the same. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** What to order. */
export type CheckoutInput = {
  /** The cart's, as the user has seen it: `VersionConflict` when it was changed since, or ordered. */
  readonly version: Scalars['Int']['input'];
  /** In cents, what the user has seen it to cost: `PriceChanged` when it is not. Whatever it costs when omitted. */
  readonly total?: InputMaybe<Scalars['Int']['input']>;
  /** Up to 128 characters, chosen by the client: the same id again answers the same order, as it is by then, for a day. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** What to change of the signed-in user's profile. What is omitted stays. */
export type UpdateProfileInput = {
  /** What others are to call the user: 1 to 64 characters, no control characters, no blank at either end. */
  readonly displayName?: InputMaybe<Scalars['String']['input']>;
  /** Up to 20 attributes, in place of all that there are. */
  readonly attributes?: InputMaybe<ReadonlyArray<ProfileAttributeInput>>;
  /** The version that the client has seen: another one now is a `VersionConflict`. Omitted, any will do. */
  readonly version?: InputMaybe<Scalars['Int']['input']>;
  /** Up to 128 characters, chosen by the client: again with the same id changes nothing, and answers what is now. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** An attribute of a profile. */
export type ProfileAttributeInput = {
  /** 1 to 64 letters, digits, and `_`, `.`, `:` or `-`. */
  readonly name: Scalars['String']['input'];
  /** Up to 1000 characters. */
  readonly value: Scalars['String']['input'];
};

/** A client to register. */
export type RegisterClientInput = {
  /** Its id: 16 to 64 letters, digits, `_` or `-`, chosen by the client. Omitted, and without a user or key, the server's. */
  readonly clientId?: InputMaybe<Scalars['ID']['input']>;
  /** To live longer without taking over: the lease that the caller has. */
  readonly lease?: InputMaybe<Scalars['ID']['input']>;
  /** Up to 128 characters, chosen by the client. Registering again is harmless, with or without. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A notice to send, to a user or to a client. */
export type NotifyInput = {
  /** The user, who hears of it on all clients; or */
  readonly userId?: InputMaybe<Scalars['ID']['input']>;
  /** the client. */
  readonly clientId?: InputMaybe<Scalars['ID']['input']>;
  /** What it is about: a letter, then up to 63 letters, digits, `_`, `.` or `-`. */
  readonly kind: Scalars['String']['input'];
  /** A JSON object of up to 16 KB and 16 levels; an empty one when omitted. */
  readonly data?: InputMaybe<Scalars['AWSJSON']['input']>;
  /** For how long it counts: 1 to 2592000 (30 days); 7 days when omitted. */
  readonly expiresInSeconds?: InputMaybe<Scalars['Int']['input']>;
  /** Up to 128 characters, chosen by the client: again with the same id sends nothing and answers the same. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** What a key is for. */
export type Scope =
  /** Queries and subscriptions that are open to everybody. */
  | 'READ'
  /** Mutations that are open to everybody. */
  | 'WRITE'
  | '%future added value';

/** What a new key is for. */
export type CreateAuthKeyInput = {
  /** What operators call it: 1 to 64 characters. */
  readonly name: Scalars['String']['input'];
  /** What it is for; at least one. */
  readonly scopes: ReadonlyArray<Scope>;
  /** How many days it is valid: 1 to 366, 90 when omitted. */
  readonly validDays?: InputMaybe<Scalars['Int']['input']>;
  /** Up to 128 characters, chosen by the client: the same id again makes no further key, and does not show the first. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** Pieces of a product to put into a cart. */
export type AddToCartInput = {
  /** The product. */
  readonly productId: Scalars['ID']['input'];
  /** How many pieces more: 1 to 999. No product may have more than 999 in a cart. */
  readonly quantity?: InputMaybe<Scalars['Int']['input']>;
  /** The version of the cart that the client has seen, 0 for none: another one now is a `VersionConflict`. Omitted, any will do. */
  readonly version?: InputMaybe<Scalars['Int']['input']>;
  /** The id of a client, which is registered, for its cart; the signed-in user's own cart when omitted. */
  readonly clientId?: InputMaybe<Scalars['ID']['input']>;
  /** Up to 128 characters, chosen by the client: again with the same id changes nothing, and answers the cart as it is. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** Another number of pieces of a product in a cart. */
export type ChangeCartLineInput = {
  /** The product. */
  readonly productId: Scalars['ID']['input'];
  /** How many pieces: 1 to 999. */
  readonly quantity: Scalars['Int']['input'];
  /** The version of the cart that the client has seen: another one now is a `VersionConflict`. */
  readonly version: Scalars['Int']['input'];
  /** The id of a client, which is registered, for its cart; the signed-in user's own cart when omitted. */
  readonly clientId?: InputMaybe<Scalars['ID']['input']>;
  /** Up to 128 characters, chosen by the client: again with the same id changes nothing, and answers the cart as it is. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A product to take out of a cart. */
export type RemoveFromCartInput = {
  /** The product. */
  readonly productId: Scalars['ID']['input'];
  /** The version of the cart that the client has seen: another one now is a `VersionConflict`. */
  readonly version: Scalars['Int']['input'];
  /** The id of a client, which is registered, for its cart; the signed-in user's own cart when omitted. */
  readonly clientId?: InputMaybe<Scalars['ID']['input']>;
  /** Up to 128 characters, chosen by the client: again with the same id changes nothing, and answers the cart as it is. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

/** A guest's cart to take over. */
export type MergeCartInput = {
  /** The id of the guest's client, which the server gave it: whoever knows it has its cart. */
  readonly clientId: Scalars['ID']['input'];
  /** Up to 128 characters, chosen by the client: again with the same id changes nothing, and answers the cart as it is. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
};

export type AuthKeysVariables = Exact<{
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type AuthKeys = { readonly authKeys: { readonly nextToken: string | null, readonly items: ReadonlyArray<AuthKey> } };

export type CreateAuthKeyVariables = Exact<{
  input: CreateAuthKeyInput;
}>;


export type CreateAuthKey = { readonly createAuthKey: { readonly key: string | null, readonly authKey: AuthKey } | null };

export type RevokeAuthKeyVariables = Exact<{
  id: Scalars['ID']['input'];
  clientMutationId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type RevokeAuthKey = { readonly revokeAuthKey: AuthKey | null };

export type AuthKey = { readonly id: string, readonly name: string, readonly scopes: ReadonlyArray<Scope>, readonly createdAt: string, readonly createdBy: string, readonly validUntil: string, readonly revokedAt: string | null };

export type GetCartVariables = Exact<{
  clientId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type GetCart = { readonly cart: Cart | null };

export type CartChangesVariables = Exact<{
  clientId?: InputMaybe<Scalars['ID']['input']>;
  after: Scalars['Int']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
}>;


export type CartChanges = { readonly cartChanges: { readonly topic: string, readonly lastSeq: number, readonly headSeq: number, readonly resyncRequired: boolean, readonly items: ReadonlyArray<CartChange> } | null };

export type CartHeadVariables = Exact<{
  clientId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type CartHead = { readonly cartChanges: { readonly headSeq: number } | null };

export type OnCartVariables = Exact<{
  clientId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type OnCart = { readonly onCart: { readonly cartId: string, readonly topic: string, readonly firstSeq: number, readonly lastSeq: number, readonly items: ReadonlyArray<CartChange> } | null };

export type AddToCartVariables = Exact<{
  input: AddToCartInput;
}>;


export type AddToCart = { readonly addToCart: Cart | null };

export type ChangeCartLineVariables = Exact<{
  input: ChangeCartLineInput;
}>;


export type ChangeCartLine = { readonly changeCartLine: Cart | null };

export type RemoveFromCartVariables = Exact<{
  input: RemoveFromCartInput;
}>;


export type RemoveFromCart = { readonly removeFromCart: Cart | null };

export type MergeCartVariables = Exact<{
  input: MergeCartInput;
}>;


export type MergeCart = { readonly mergeCart: Cart | null };

export type Cart = { readonly id: string, readonly total: number, readonly currency: string, readonly version: number, readonly updatedAt: string, readonly expiresAt: string | null, readonly lines: ReadonlyArray<{ readonly productId: string, readonly title: string, readonly quantity: number, readonly price: number, readonly addedAt: string }> };

export type CartChange = { readonly seq: number, readonly eventId: string, readonly kind: ChangeKind, readonly at: string, readonly traceId: string | null, readonly key: string, readonly truncated: boolean, readonly cart: Cart | null };

export type RegisterClientVariables = Exact<{
  input: RegisterClientInput;
}>;


export type RegisterClient = { readonly registerClient: { readonly client: Client } | null };

export type StartClientVariables = Exact<{
  input: RegisterClientInput;
  rooms?: InputMaybe<ReadonlyArray<Scalars['ID']['input']> | Scalars['ID']['input']>;
  backlogLimit?: InputMaybe<Scalars['Int']['input']>;
  signedIn?: InputMaybe<Scalars['Boolean']['input']>;
}>;


export type StartClient = { readonly registerClient: { readonly client: Client, readonly bootstrap: (
      { readonly me?: User | null }
      & Bootstrap
    ) | null } | null };

export type GetBootstrapVariables = Exact<{
  clientId: Scalars['ID']['input'];
  rooms?: InputMaybe<ReadonlyArray<Scalars['ID']['input']> | Scalars['ID']['input']>;
  backlogLimit?: InputMaybe<Scalars['Int']['input']>;
  signedIn?: InputMaybe<Scalars['Boolean']['input']>;
}>;


export type GetBootstrap = { readonly bootstrap: (
    { readonly me?: User | null }
    & Bootstrap
  ) | null };

export type NoticesVariables = Exact<{
  clientId?: InputMaybe<Scalars['ID']['input']>;
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type Notices = { readonly notices: NoticeConnection | null };

export type ClientChangesVariables = Exact<{
  clientId: Scalars['ID']['input'];
  after: Scalars['Int']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
}>;


export type ClientChanges = { readonly clientChanges: { readonly topic: string, readonly lastSeq: number, readonly headSeq: number, readonly resyncRequired: boolean, readonly items: ReadonlyArray<ClientChange> } | null };

export type ClientHeadVariables = Exact<{
  clientId: Scalars['ID']['input'];
}>;


export type ClientHead = { readonly clientChanges: { readonly headSeq: number } | null };

export type OnClientVariables = Exact<{
  clientId: Scalars['ID']['input'];
  lease: Scalars['ID']['input'];
}>;


export type OnClient = { readonly onClient: { readonly clientId: string, readonly topic: string, readonly firstSeq: number, readonly lastSeq: number, readonly items: ReadonlyArray<ClientChange> } | null };

export type NotifyVariables = Exact<{
  input: NotifyInput;
}>;


export type Notify = { readonly notify: Notice | null };

export type DismissNoticeVariables = Exact<{
  id: Scalars['ID']['input'];
  clientId?: InputMaybe<Scalars['ID']['input']>;
  clientMutationId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type DismissNotice = { readonly dismissNotice: { readonly id: string, readonly topic: string } | null };

export type Client = { readonly id: string, readonly lease: string, readonly validUntil: string };

export type Notice = { readonly id: string, readonly kind: string, readonly data: string, readonly sentAt: string, readonly expiresAt: string | null };

export type NoticeConnection = { readonly topic: string, readonly headSeq: number, readonly nextToken: string | null, readonly items: ReadonlyArray<Notice> };

export type ClientChange = { readonly seq: number, readonly eventId: string, readonly kind: ChangeKind, readonly at: string, readonly traceId: string | null, readonly key: string, readonly truncated: boolean, readonly notice: Notice | null };

export type Bootstrap = { readonly membershipsNextToken: string | null, readonly client: Client, readonly features: { readonly apiVersion: number, readonly topics: ReadonlyArray<string>, readonly flags: ReadonlyArray<string>, readonly retentionSeconds: number, readonly heartbeatSeconds: number, readonly limits: { readonly messageCharacters: number, readonly messages: number, readonly roomIdCharacters: number, readonly changes: number, readonly noticeBytes: number, readonly bootstrapRooms: number, readonly bootstrapBacklog: number } }, readonly rooms: ReadonlyArray<{ readonly roomId: string, readonly standing: Standing | null, readonly headSeq: number | null, readonly room: Room | null, readonly messages: { readonly nextToken: string | null, readonly items: ReadonlyArray<Message> } | null, readonly problem: { readonly errorType: string, readonly message: string } | null }>, readonly userNotices: NoticeConnection | null, readonly clientNotices: NoticeConnection };

export type MessagesVariables = Exact<{
  roomId: Scalars['ID']['input'];
  order?: InputMaybe<Order>;
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type Messages = { readonly messages: { readonly nextToken: string | null, readonly items: ReadonlyArray<Message> } };

export type MessageChangesVariables = Exact<{
  roomId: Scalars['ID']['input'];
  after: Scalars['Int']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
}>;


export type MessageChanges = { readonly messageChanges: { readonly topic: string, readonly lastSeq: number, readonly headSeq: number, readonly resyncRequired: boolean, readonly items: ReadonlyArray<MessageChange> } };

export type MessageHeadVariables = Exact<{
  roomId: Scalars['ID']['input'];
}>;


export type MessageHead = { readonly messageChanges: { readonly headSeq: number } };

export type OnMessagesVariables = Exact<{
  roomId: Scalars['ID']['input'];
}>;


export type OnMessages = { readonly onMessages: { readonly roomId: string, readonly topic: string, readonly firstSeq: number, readonly lastSeq: number, readonly items: ReadonlyArray<MessageChange> } | null };

export type SendMessageVariables = Exact<{
  input: SendMessageInput;
}>;


export type SendMessage = { readonly sendMessage: Message | null };

export type SendMessagesVariables = Exact<{
  input: SendMessagesInput;
}>;


export type SendMessages = { readonly sendMessages: { readonly messages: ReadonlyArray<Message> } | null };

export type Message = { readonly id: string, readonly roomId: string, readonly author: string, readonly text: string, readonly sentAt: string, readonly version: number, readonly originalTime: string | null };

export type MessageChange = { readonly seq: number, readonly eventId: string, readonly kind: ChangeKind, readonly at: string, readonly traceId: string | null, readonly key: string, readonly truncated: boolean, readonly message: Message | null };

export type OrderByIdVariables = Exact<{
  id: Scalars['ID']['input'];
}>;


export type OrderById = { readonly order: ShopOrder | null };

export type OrdersVariables = Exact<{
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type Orders = { readonly orders: { readonly nextToken: string | null, readonly items: ReadonlyArray<ShopOrder> } };

export type OrderChangesVariables = Exact<{
  after: Scalars['Int']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
}>;


export type OrderChanges = { readonly orderChanges: { readonly topic: string, readonly lastSeq: number, readonly headSeq: number, readonly resyncRequired: boolean, readonly items: ReadonlyArray<OrderChange> } };

export type OrderHeadVariables = Exact<{ [key: string]: never; }>;


export type OrderHead = { readonly orderChanges: { readonly headSeq: number } };

export type OnOrderVariables = Exact<{ [key: string]: never; }>;


export type OnOrder = { readonly onOrder: { readonly userId: string, readonly topic: string, readonly firstSeq: number, readonly lastSeq: number, readonly items: ReadonlyArray<OrderChange> } | null };

export type CheckoutVariables = Exact<{
  input: CheckoutInput;
}>;


export type Checkout = { readonly checkout: ShopOrder | null };

export type ShopOrder = { readonly id: string, readonly status: OrderStatus, readonly total: number, readonly currency: string, readonly placedAt: string, readonly version: number, readonly lines: ReadonlyArray<{ readonly productId: string, readonly title: string, readonly quantity: number, readonly price: number }> };

export type OrderChange = { readonly seq: number, readonly eventId: string, readonly kind: ChangeKind, readonly at: string, readonly traceId: string | null, readonly key: string, readonly truncated: boolean, readonly order: ShopOrder | null };

export type PresencesVariables = Exact<{
  roomId: Scalars['ID']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type Presences = { readonly presence: { readonly greyAfterSeconds: number, readonly nextToken: string | null, readonly items: ReadonlyArray<Presence> } };

export type PresenceChangesVariables = Exact<{
  roomId: Scalars['ID']['input'];
  after: Scalars['Int']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
}>;


export type PresenceChanges = { readonly presenceChanges: { readonly topic: string, readonly lastSeq: number, readonly headSeq: number, readonly resyncRequired: boolean, readonly items: ReadonlyArray<PresenceChange> } };

export type PresenceHeadVariables = Exact<{
  roomId: Scalars['ID']['input'];
}>;


export type PresenceHead = { readonly presenceChanges: { readonly headSeq: number } };

export type OnPresenceVariables = Exact<{
  roomId: Scalars['ID']['input'];
}>;


export type OnPresence = { readonly onPresence: { readonly roomId: string, readonly topic: string, readonly firstSeq: number, readonly lastSeq: number, readonly items: ReadonlyArray<PresenceChange> } | null };

export type JoinRoomVariables = Exact<{
  input: JoinRoomInput;
}>;


export type JoinRoom = { readonly joinRoom: { readonly heartbeatSeconds: number, readonly greyAfterSeconds: number, readonly presence: Presence } | null };

export type HeartbeatVariables = Exact<{
  input: HeartbeatInput;
}>;


export type Heartbeat = { readonly heartbeat: { readonly lastSeen: string, readonly heartbeatSeconds: number } | null };

export type LeaveRoomVariables = Exact<{
  input: LeaveRoomInput;
}>;


export type LeaveRoom = { readonly leaveRoom: { readonly roomId: string, readonly id: string } | null };

export type Presence = { readonly id: string, readonly roomId: string, readonly userId: string | null, readonly name: string, readonly joinedAt: string, readonly lastSeen: string, readonly absent: boolean };

export type PresenceChange = { readonly seq: number, readonly eventId: string, readonly kind: ChangeKind, readonly at: string, readonly traceId: string | null, readonly key: string, readonly truncated: boolean, readonly presence: Presence | null };

export type ProductByIdVariables = Exact<{
  id: Scalars['ID']['input'];
}>;


export type ProductById = { readonly product: Product | null };

export type ProductsVariables = Exact<{
  category?: InputMaybe<Scalars['ID']['input']>;
  filter?: InputMaybe<ProductFilterInput>;
  sort?: InputMaybe<ProductSort>;
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type Products = { readonly products: { readonly nextToken: string | null, readonly items: ReadonlyArray<Product> } };

export type SearchProductsVariables = Exact<{
  text: Scalars['String']['input'];
  filter?: InputMaybe<ProductFilterInput>;
  limit?: InputMaybe<Scalars['Int']['input']>;
}>;


export type SearchProducts = { readonly searchProducts: { readonly items: ReadonlyArray<{ readonly score: number, readonly product: Product }> } };

export type CategoriesVariables = Exact<{
  parent?: InputMaybe<Scalars['ID']['input']>;
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type Categories = { readonly categories: { readonly nextToken: string | null, readonly items: ReadonlyArray<Category> } };

export type ProductChangesVariables = Exact<{
  id: Scalars['ID']['input'];
  after: Scalars['Int']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
}>;


export type ProductChanges = { readonly productChanges: { readonly topic: string, readonly lastSeq: number, readonly headSeq: number, readonly resyncRequired: boolean, readonly items: ReadonlyArray<ProductChange> } };

export type ProductHeadVariables = Exact<{
  id: Scalars['ID']['input'];
}>;


export type ProductHead = { readonly productChanges: { readonly headSeq: number } };

export type OnProductVariables = Exact<{
  id: Scalars['ID']['input'];
}>;


export type OnProduct = { readonly onProduct: { readonly productId: string, readonly topic: string, readonly firstSeq: number, readonly lastSeq: number, readonly items: ReadonlyArray<ProductChange> } | null };

export type CategoryProductsVariables = Exact<{
  category: Scalars['ID']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type CategoryProducts = { readonly products: { readonly nextToken: string | null, readonly items: ReadonlyArray<Product> } };

export type CategoryChangesVariables = Exact<{
  category: Scalars['ID']['input'];
  after: Scalars['Int']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
}>;


export type CategoryChanges = { readonly categoryChanges: { readonly topic: string, readonly lastSeq: number, readonly headSeq: number, readonly resyncRequired: boolean, readonly items: ReadonlyArray<CategoryChange> } };

export type CategoryHeadVariables = Exact<{
  category: Scalars['ID']['input'];
}>;


export type CategoryHead = { readonly categoryChanges: { readonly headSeq: number } };

export type OnCategoryVariables = Exact<{
  category: Scalars['ID']['input'];
}>;


export type OnCategory = { readonly onCategory: { readonly category: string, readonly topic: string, readonly firstSeq: number, readonly lastSeq: number, readonly items: ReadonlyArray<CategoryChange> } | null };

export type CreateCategoryVariables = Exact<{
  input: CreateCategoryInput;
}>;


export type CreateCategory = { readonly createCategory: Category | null };

export type CreateProductVariables = Exact<{
  input: CreateProductInput;
}>;


export type CreateProduct = { readonly createProduct: Product | null };

export type UpdateProductVariables = Exact<{
  input: UpdateProductInput;
}>;


export type UpdateProduct = { readonly updateProduct: Product | null };

export type SetPriceVariables = Exact<{
  input: SetPriceInput;
}>;


export type SetPrice = { readonly setPrice: Product | null };

export type ChangeStockVariables = Exact<{
  input: ChangeStockInput;
}>;


export type ChangeStock = { readonly changeStock: Product | null };

export type DeleteProductVariables = Exact<{
  input: DeleteProductInput;
}>;


export type DeleteProduct = { readonly deleteProduct: Product | null };

export type Product = { readonly id: string, readonly title: string, readonly authors: ReadonlyArray<string>, readonly category: string | null, readonly path: ReadonlyArray<string>, readonly description: string | null, readonly price: number | null, readonly currency: string, readonly stock: number, readonly rating: number | null, readonly ratingsCount: number | null, readonly year: number | null, readonly language: string | null, readonly isbn: string | null, readonly imageUrl: string | null, readonly derived: ReadonlyArray<string>, readonly version: number, readonly createdAt: string, readonly updatedAt: string };

export type Category = { readonly id: string, readonly name: string, readonly parent: string | null, readonly path: ReadonlyArray<string> };

export type ProductChange = { readonly seq: number, readonly eventId: string, readonly kind: ChangeKind, readonly at: string, readonly traceId: string | null, readonly key: string, readonly truncated: boolean, readonly product: Product | null };

export type CategoryChange = { readonly seq: number, readonly eventId: string, readonly kind: ChangeKind, readonly at: string, readonly traceId: string | null, readonly key: string, readonly truncated: boolean, readonly product: Product | null };

export type RoomByIdVariables = Exact<{
  id: Scalars['ID']['input'];
}>;


export type RoomById = { readonly room: Room | null };

export type RoomsVariables = Exact<{
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type Rooms = { readonly rooms: { readonly nextToken: string | null, readonly items: ReadonlyArray<Room> } };

export type MembershipsVariables = Exact<{
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type Memberships = { readonly memberships: { readonly nextToken: string | null, readonly items: ReadonlyArray<Membership> } };

export type MembersVariables = Exact<{
  roomId: Scalars['ID']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type Members = { readonly members: { readonly nextToken: string | null, readonly items: ReadonlyArray<Member> } };

export type CreateRoomVariables = Exact<{
  input: CreateRoomInput;
}>;


export type CreateRoom = { readonly createRoom: Room | null };

export type InviteMemberVariables = Exact<{
  roomId: Scalars['ID']['input'];
  userId: Scalars['ID']['input'];
  clientMutationId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type InviteMember = { readonly inviteMember: Member | null };

export type AcceptInvitationVariables = Exact<{
  roomId: Scalars['ID']['input'];
  clientMutationId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type AcceptInvitation = { readonly acceptInvitation: Membership | null };

export type ResignMembershipVariables = Exact<{
  roomId: Scalars['ID']['input'];
  clientMutationId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type ResignMembership = { readonly resignMembership: MembershipEnd | null };

export type ExpelMemberVariables = Exact<{
  roomId: Scalars['ID']['input'];
  userId: Scalars['ID']['input'];
  clientMutationId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type ExpelMember = { readonly expelMember: MembershipEnd | null };

export type Room = { readonly id: string, readonly name: string | null, readonly private: boolean, readonly createdAt: string };

export type Membership = { readonly standing: Standing, readonly since: string, readonly room: Room };

export type Member = { readonly userId: string, readonly displayName: string, readonly standing: Standing, readonly since: string };

export type MembershipEnd = { readonly roomId: string, readonly userId: string };

export type MeVariables = Exact<{ [key: string]: never; }>;


export type Me = { readonly me: User | null };

export type UserByIdVariables = Exact<{
  id: Scalars['ID']['input'];
}>;


export type UserById = { readonly user: User | null };

export type UsersVariables = Exact<{
  limit?: InputMaybe<Scalars['Int']['input']>;
  nextToken?: InputMaybe<Scalars['String']['input']>;
}>;


export type Users = { readonly users: { readonly nextToken: string | null, readonly items: ReadonlyArray<User> } };

export type UserChangesVariables = Exact<{
  after: Scalars['Int']['input'];
  limit?: InputMaybe<Scalars['Int']['input']>;
}>;


export type UserChanges = { readonly userChanges: { readonly topic: string, readonly lastSeq: number, readonly headSeq: number, readonly resyncRequired: boolean, readonly items: ReadonlyArray<UserChange> } };

export type UserHeadVariables = Exact<{ [key: string]: never; }>;


export type UserHead = { readonly userChanges: { readonly headSeq: number } };

export type OnUserVariables = Exact<{ [key: string]: never; }>;


export type OnUser = { readonly onUser: { readonly userId: string, readonly topic: string, readonly firstSeq: number, readonly lastSeq: number, readonly items: ReadonlyArray<UserChange> } | null };

export type UpdateProfileVariables = Exact<{
  input: UpdateProfileInput;
}>;


export type UpdateProfile = { readonly updateProfile: Profile | null };

export type SignOutVariables = Exact<{
  clientMutationId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type SignOut = { readonly signOut: { readonly userId: string } | null };

export type DeleteUserVariables = Exact<{
  id?: InputMaybe<Scalars['ID']['input']>;
  clientMutationId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type DeleteUser = { readonly deleteUser: { readonly userId: string, readonly done: boolean } | null };

export type SetUserGroupsVariables = Exact<{
  id: Scalars['ID']['input'];
  groups: ReadonlyArray<Scalars['String']['input']> | Scalars['String']['input'];
  clientMutationId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type SetUserGroups = { readonly setUserGroups: User | null };

export type DisconnectUserVariables = Exact<{
  id: Scalars['ID']['input'];
  clientMutationId?: InputMaybe<Scalars['ID']['input']>;
}>;


export type DisconnectUser = { readonly disconnectUser: { readonly userId: string } | null };

export type User = { readonly id: string, readonly name: string, readonly email: string | null, readonly groups: ReadonlyArray<string>, readonly status: string, readonly enabled: boolean, readonly createdAt: string, readonly deletedAt: string | null, readonly profile: Profile };

export type Profile = { readonly id: string, readonly displayName: string, readonly createdAt: string, readonly updatedAt: string, readonly version: number, readonly attributes: ReadonlyArray<ProfileAttribute> };

export type ProfileAttribute = { readonly name: string, readonly value: string };

export type UserChange = { readonly seq: number, readonly eventId: string, readonly kind: ChangeKind, readonly at: string, readonly traceId: string | null, readonly key: string, readonly truncated: boolean, readonly profile: Profile | null, readonly notice: Notice | null };
