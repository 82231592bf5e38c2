// Serves Headwater's subscription by the Amplify simulator: node amplify_simulator.cjs NODE_MODULES CONFIGURATION
// Prints its port; each line on standard input is answered with the CPU seconds of this process.
'use strict';

const http = require('node:http');
const path = require('node:path');
const readline = require('node:readline');

const [modules, configuration] = process.argv.slice(2);
const { apiKey, schema, package: name } = JSON.parse(configuration);

// Standard output belongs to the benchmark, and the simulator would listen on every interface.
console.log = console.warn = console.error;
const listen = http.Server.prototype.listen;
http.Server.prototype.listen = function onLoopback(port) {
  return listen.call(this, port, '127.0.0.1');
};

const { AmplifyAppSyncSimulator } = require(path.join(modules, name));

const keyed = { authenticationType: 'API_KEY' };
const simulator = new AmplifyAppSyncSimulator({});
simulator.init({
  schema: { content: schema },
  appSync: { name: 'headwater', apiKey, defaultAuthenticationType: keyed, additionalAuthenticationProviders: [] },
  dataSources: [{ type: 'NONE', name: 'none' }],
  resolvers: [
    {
      kind: 'UNIT',
      typeName: 'Mutation',
      fieldName: 'publishMessages',
      dataSourceName: 'none',
      requestMappingTemplate: '{"version": "2018-05-29", "payload": $util.toJson($ctx.args.input)}',
      responseMappingTemplate: '$util.toJson($ctx.result)',
    },
  ],
});

simulator.start().then(() => {
  process.stdout.write(`${new URL(simulator.localhostUrl).port}\n`);
  readline.createInterface({ input: process.stdin }).on('line', () => {
    const { user, system } = process.cpuUsage();
    process.stdout.write(`${(user + system) / 1e6}\n`);
  });
  process.stdin.on('end', () => process.exit(0));
});
