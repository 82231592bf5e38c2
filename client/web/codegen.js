// `npm run types`: the types and texts of the stored operations (client/operations), by GraphQL Code Generator, into
// src/generated. `node codegen.js --check` only says whether they are current. The same operations make the Python
// client's types: tools/client_types.py.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { codegen } from "@graphql-codegen/core";
import * as typescript from "@graphql-codegen/typescript";
import * as operationTypes from "@graphql-codegen/typescript-operations";
import { Kind, parse, print, Source, stripIgnoredCharacters, visit } from "graphql";

const SCHEMA = new URL("../../schema.graphql", import.meta.url);
const OPERATIONS = new URL("../operations/", import.meta.url);
const OUTPUT = new URL("src/generated/", import.meta.url);

const HEADER = "// Generated from client/operations by `npm run types`; do not edit.\n\n";

// What AppSync adds to every schema. A scalar travels as text, AWSTimestamp as a number of seconds.
const APPSYNC = `
scalar AWSDate scalar AWSTime scalar AWSDateTime scalar AWSTimestamp scalar AWSEmail scalar AWSJSON scalar AWSURL
scalar AWSPhone scalar AWSIPAddress
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String!]!) on FIELD_DEFINITION
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_oidc on OBJECT | FIELD_DEFINITION
directive @aws_lambda on OBJECT | FIELD_DEFINITION
directive @aws_cognito_user_pools(cognito_groups: [String!]) on OBJECT | FIELD_DEFINITION
`;
const SCALARS = Object.fromEntries(
  ["AWSDate", "AWSTime", "AWSDateTime", "AWSEmail", "AWSJSON", "AWSURL", "AWSPhone", "AWSIPAddress"].map((name) => [name, "string"]),
);

/** The documents of all files, by name. */
async function stored() {
  const names = (await readdir(OPERATIONS)).filter((name) => name.endsWith(".graphql")).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, OPERATIONS), "utf8");
      return { location: name, document: parse(new Source(text, name)), rawSDL: text };
    }),
  );
}

/** The schema without the inputs that no operation takes, and without the fields that take those. */
function offered(schema, documents) {
  const inputs = new Map(schema.definitions.filter(({ kind }) => kind === Kind.INPUT_OBJECT_TYPE_DEFINITION).map((each) => [each.name.value, each]));
  const taken = new Set();
  const take = (node) =>
    visit(node, {
      NamedType({ name }) {
        if (!inputs.has(name.value) || taken.has(name.value)) return;
        taken.add(name.value);
        take(inputs.get(name.value));
      },
    });
  for (const { document } of documents) visit(document, { VariableDefinition: ({ type }) => void take(type) });
  const isDropped = (type) => (type.kind === Kind.NAMED_TYPE ? inputs.has(type.name.value) && !taken.has(type.name.value) : isDropped(type.type));
  return visit(schema, {
    InputObjectTypeDefinition: ({ name }) => (taken.has(name.value) ? undefined : null),
    FieldDefinition: ({ arguments: given }) => (given?.some(({ type }) => isDropped(type)) ? null : undefined),
  });
}

/** Types only: nothing of this file is left when it is compiled. */
async function types(documents) {
  const text = await codegen({
    filename: "types.ts",
    schema: offered(parse(APPSYNC + (await readFile(SCHEMA, "utf8"))), documents),
    documents,
    plugins: [{ typescript: {} }, { operationTypes: {} }],
    pluginMap: { typescript, operationTypes },
    config: {
      scalars: { ...SCALARS, AWSTimestamp: "number" },
      strictScalars: true,
      onlyOperationTypes: true,
      preResolveTypes: true,
      skipTypename: true,
      omitOperationSuffix: true,
      immutableTypes: true,
      enumsAsTypes: true,
      futureProofEnums: true, // an old client must say what it does with a value that it does not know
      avoidOptionals: { field: true, object: false, inputValue: false, defaultValue: false },
      inlineFragmentTypes: "combine",
      useTypeImports: true,
    },
  });
  return `${HEADER}${text}`;
}

/** The texts, each with the fragments that it needs, as constants that a bundler drops where they are not used. */
function texts(documents) {
  const definitions = documents.flatMap(({ document }) => document.definitions);
  const fragments = new Map(definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).map((each) => [each.name.value, each]));
  const operations = definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  operations.sort((one, other) => (one.name.value < other.name.value ? -1 : 1));
  const names = operations.flatMap(({ name }) => [name.value, `${name.value}Variables`]);
  const constants = operations.map((operation) => {
    const needed = [...spread(operation, fragments)].sort().map((name) => fragments.get(name));
    const text = stripIgnoredCharacters([operation, ...needed].map(print).join("\n"));
    const name = operation.name.value;
    return `export const ${constant(name)} =\n  ${JSON.stringify(text)} as TypedDocument<${name}, ${name}Variables>;\n`;
  });
  return `${HEADER}import type {\n${names.map((name) => `  ${name},\n`).join("")}} from "./types.js";

declare const typed: unique symbol;

/** The text of an operation that knows the type of its answer and of its variables. At run time it is a string. */
export type TypedDocument<Data, Variables> = string & { readonly [typed]?: (variables: Variables) => Data };

${constants.join("\n")}`;
}

/** `MessageChanges` -> `MESSAGE_CHANGES`, as in Python. */
function constant(name) {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
}

/** The names of the fragments that a definition needs, also through others. */
function spread(definition, fragments, found = new Set()) {
  visit(definition, {
    FragmentSpread({ name }) {
      if (found.has(name.value)) return;
      found.add(name.value);
      spread(fragments.get(name.value), fragments, found);
    },
  });
  return found;
}

const documents = await stored();
const files = { "types.ts": await types(documents), "documents.ts": texts(documents) };
const present = await readdir(OUTPUT).catch(() => []);
if (process.argv.includes("--check")) {
  for (const name of new Set([...present, ...Object.keys(files)])) {
    const text = await readFile(new URL(name, OUTPUT), "utf8").catch(() => undefined);
    if (text === files[name]) continue;
    console.log(`client/web/src/generated/${name} is not current: run \`make types\``);
    process.exitCode = 1;
  }
} else {
  await mkdir(OUTPUT, { recursive: true });
  for (const name of present) if (!(name in files)) await rm(new URL(name, OUTPUT));
  for (const [name, text] of Object.entries(files)) await writeFile(new URL(name, OUTPUT), text);
}
