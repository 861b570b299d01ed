// A foreign client of the broker: nothing here is ours but the proto files. Plays the main job with the identities
// of `countersignd dev`: an agent proposes, a job waits, a human approves, the job claims and redeems; a JOSE
// library verifies the token against the published keys. Prints what holds, one line each; ends with 1 at the first
// thing that does not.
//
//   node client.js {data directory of countersignd dev} {directory of the proto files}
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const jose = require('jose');
const protobuf = require('protobufjs');

const [dataDirectory, protoDirectory] = process.argv.slice(2);
const services = ['proposal', 'decision', 'execution', 'config', 'audit'];
const target = 'targets/courses';

// TLS takes no IP address for a server's name.
const options = { 'grpc.ssl_target_name_override': 'localhost', 'grpc.default_authority': 'localhost' };

let passed = 0;
function holds(what) {
  passed += 1;
  console.log(`ok ${passed} - ${what}`);
}

// Settings as a shell would read them from env/{name}.sh.
function environmentOf(name) {
  const settings = {};
  for (const line of fs.readFileSync(path.join(dataDirectory, 'env', `${name}.sh`), 'utf8').split('\n')) {
    const match = /^export ([A-Z_]+)='?(.*?)'?$/.exec(line);
    if (match) settings[match[1]] = match[2];
  }
  return settings;
}

const v1 = grpc.loadPackageDefinition(protoLoader.loadSync(
  services.map((service) => `countersign/v1/${service}_service.proto`),
  { includeDirs: [protoDirectory], keepCase: true, longs: String, enums: String, defaults: true, oneofs: true },
)).countersign.v1;

function loadDetails() {
  const root = new protobuf.Root();
  root.resolvePath = (origin, name) => (
    name.startsWith('google/protobuf/') ? name : path.join(protoDirectory, name));
  return root.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto'], { keepCase: true });
}
const details = loadDetails();

// One caller's stubs over mutual TLS; every method returns a promise unless it streams.
class Caller {
  constructor(name) {
    const settings = environmentOf(name);
    this.settings = settings;
    this.certificate = fs.readFileSync(settings.COUNTERSIGN_CERTIFICATE_FILE);
    const credentials = grpc.credentials.createSsl(
      fs.readFileSync(settings.COUNTERSIGN_CA_FILE), fs.readFileSync(settings.COUNTERSIGN_KEY_FILE), this.certificate);
    this.clients = ['ProposalService', 'DecisionService', 'ExecutionService', 'ConfigService', 'AuditService']
      .map((service) => new v1[service](settings.COUNTERSIGN_SERVER, credentials, options));
  }

  stub(method) {
    const client = this.clients.find((candidate) => method in candidate);
    assert.ok(client, `no service has the method ${method}`);
    return client;
  }

  call(method, request, seconds = 20) {
    const deadline = new Date(Date.now() + seconds * 1000);
    return new Promise((resolve, reject) => {
      this.stub(method)[method](request, { deadline }, (error, response) => (
        error ? reject(error) : resolve(response)));
    });
  }

  upload(bytes) {
    return new Promise((resolve, reject) => {
      const stream = this.stub('UploadArtifact').UploadArtifact({ deadline: new Date(Date.now() + 20000) },
        (error, artifact) => (error ? reject(error) : resolve(artifact)));
      stream.on('error', () => {}); // The callback has it.
      stream.write({ header: { size_bytes: bytes.length } });
      for (let at = 0; at < bytes.length; at += 65536) stream.write({ chunk: bytes.subarray(at, at + 65536) });
      stream.end();
    });
  }

  download(request) {
    return new Promise((resolve, reject) => {
      const chunks = [];
      const stream = this.stub('DownloadArtifact').DownloadArtifact(
        request, { deadline: new Date(Date.now() + 20000) });
      stream.on('data', (message) => chunks.push(message.chunk));
      stream.on('error', reject);
      stream.on('end', () => resolve(Buffer.concat(chunks)));
    });
  }

  close() {
    this.clients.forEach((client) => client.close());
  }
}

// The details of a refusal, as any gRPC client finds them in the trailers.
function detailsOf(error) {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  assert.ok(bytes, `no details came with: ${error.message}`);
  const status = details.lookupType('google.rpc.Status').decode(bytes);
  const found = { status };
  for (const any of status.details) {
    const name = any.type_url.split('/').pop();
    found[name] = details.lookupType(name).toObject(details.lookupType(name).decode(any.value));
  }
  return found;
}

async function refused(promise, code, reason) {
  let error;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  assert.ok(error, `was not refused; expected ${reason}`);
  assert.equal(error.code, code, `${grpc.status[error.code]}: ${error.details}`);
  const found = detailsOf(error);
  assert.equal(found.status.code, code);
  assert.equal(found['google.rpc.ErrorInfo'].reason, reason, error.details);
  assert.equal(found['google.rpc.ErrorInfo'].domain, 'countersign');
  return found;
}

// The digest as action_digest.h describes it, recomputed from what a runner has in hand.
function actionDigest(action) {
  const sorted = Object.fromEntries(Object.keys(action.environment).sort().map((k) => [k, action.environment[k]]));
  const canonical = JSON.stringify({
    argv: action.argv,
    artifacts: action.artifacts.map(({ digest, file_name }) => ({ digest, file_name })),
    environment: sorted,
    kind: action.kind.toLowerCase(),
    target: action.target,
  });
  return `sha256:${crypto.createHash('sha256').update(`countersign.v1.action\n${canonical}`, 'utf8').digest('hex')}`;
}

async function discovery(issuer) {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`);
  assert.equal(response.status, 200);
  const configuration = await response.json();
  assert.equal(configuration.issuer, issuer);
  assert.ok(configuration.jwks_uri.startsWith(`${issuer}/`));
  assert.deepEqual(configuration.id_token_signing_alg_values_supported, ['ES256']);
  const keys = await (await fetch(configuration.jwks_uri)).json();
  for (const key of keys.keys) {
    assert.equal(key.kid, await jose.calculateJwkThumbprint(key), 'kid is the RFC 7638 thumbprint');
    assert.ok(!('d' in key), 'a private key is published');
  }
  holds('openid-configuration names this issuer and a key set whose kids are thumbprints');
  return configuration;
}

async function verifyToken(token, configuration, proposal, ci) {
  const issuer = configuration.issuer;
  const keys = jose.createRemoteJWKSet(new URL(configuration.jwks_uri));
  const pinned = { issuer, audience: issuer, typ: 'exec+jwt', algorithms: ['ES256'] };
  const { payload, protectedHeader } = await jose.jwtVerify(token, keys, pinned);
  assert.equal(protectedHeader.alg, 'ES256');
  const certificate = new crypto.X509Certificate(ci.certificate);
  assert.equal(payload.cnf['x5t#S256'], crypto.createHash('sha256').update(certificate.raw).digest('base64url'));
  assert.equal(payload.sub, 'env:production:target:courses:kind:command');
  assert.equal(payload.act.sub, proposal.requester);
  assert.equal(payload.proposal, proposal.name);
  assert.equal(payload.action_digest, proposal.action_digest);
  assert.equal(payload.target, target);
  assert.deepEqual(payload.artifacts, proposal.action.artifacts.map((artifact) => artifact.digest));
  assert.deepEqual(payload.approvers, proposal.decisions.map((decision) => decision.principal));
  assert.ok(payload.exp - payload.iat <= 300);
  holds('jose verifies the token against the published keys; its claims are those of the proposal');

  const [header, claims, signature] = token.split('.');
  const altered = (text, at) => (
    text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1));
  const none = jose.base64url.encode(JSON.stringify({ ...protectedHeader, alg: 'none' }));
  const key = (await (await fetch(configuration.jwks_uri)).json()).keys[0];
  const confused = await new jose.SignJWT(payload).setProtectedHeader({ ...protectedHeader, alg: 'HS256' })
    .sign(Buffer.from(JSON.stringify(key)));
  const forgeries = {
    'another audience': [token, { ...pinned, audience: 'https://elsewhere.example' }],
    'another issuer': [token, { ...pinned, issuer: 'https://elsewhere.example' }],
    'another type': [token, { ...pinned, typ: 'at+jwt' }],
    'an altered claim': [[header, altered(claims, 20), signature].join('.'), pinned],
    'an altered signature': [[header, claims, altered(signature, 20)].join('.'), pinned],
    'alg none, signature kept': [[none, claims, signature].join('.'), pinned],
    'alg none, unsigned': [[none, claims, ''].join('.'), pinned],
    'HMAC with the public key': [confused, pinned],
  };
  for (const [what, [forged, expectation]] of Object.entries(forgeries)) {
    await assert.rejects(jose.jwtVerify(forged, keys, expectation), jose.errors.JOSEError, what);
  }
  holds(`jose refuses ${Object.keys(forgeries).join('; ')}`);
  return Object.entries(forgeries).filter(([what]) => /alter|none|HMAC/.test(what)).map(([, [forged]]) => forged);
}

// The certificate decides who may call at all.
async function withoutCertificate(settings) {
  const credentials = grpc.credentials.createSsl(fs.readFileSync(settings.COUNTERSIGN_CA_FILE));
  const client = new v1.ProposalService(settings.COUNTERSIGN_SERVER, credentials, options);
  const code = await new Promise((resolve) => {
    client.ListProposals({}, { deadline: new Date(Date.now() + 10000) }, (error) => resolve(error && error.code));
  });
  client.close();
  assert.equal(code, grpc.status.UNAVAILABLE);
  holds('a client without a certificate is not let in');
}

async function submit(agent) {
  const bytes = crypto.randomBytes(300000);
  const digest = `sha256:${crypto.createHash('sha256').update(bytes).digest('hex')}`;
  const artifact = await agent.upload(bytes);
  assert.equal(artifact.digest, digest);
  const action = {
    kind: 'COMMAND',
    target,
    argv: ['psql', '-f', 'fix.sql', 'naïve "quotes" \\ and\na second line \u2028 🙂'],
    environment: { PGHOST: 'db', A_FIRST: '1', LANG: 'C.UTF-8' },
    artifacts: [{ digest, file_name: 'fix.sql' }],
  };
  const request = { action, reason: 'a foreign client asks', request_id: crypto.randomUUID() };
  const proposal = await agent.call('CreateProposal', request);
  assert.equal(proposal.state, 'PENDING');
  assert.equal(proposal.requester, 'spiffe://dev.countersign.local/agent/agent');
  assert.equal(proposal.action_digest, actionDigest(action), 'the digest recomputed from its description');
  holds('the agent uploads, submits, and computes the same action digest');

  assert.deepEqual(await agent.call('CreateProposal', request), proposal);
  await refused(agent.call('CreateProposal', { ...request, reason: 'another' }),
    grpc.status.INVALID_ARGUMENT, 'REQUEST_ID_REUSED');
  holds('the same request_id and body give the first answer; another body is refused');
  return { proposal, bytes };
}

async function refusals(agent, alice, proposal) {
  const decision = { name: proposal.name, etag: proposal.etag, action_digest: proposal.action_digest };
  await refused(agent.call('ApproveProposal', decision), grpc.status.PERMISSION_DENIED, 'NOT_PERMITTED');
  await refused(alice.call('ApproveProposal', { ...decision, action_digest: `sha256:${'0'.repeat(64)}` }),
    grpc.status.FAILED_PRECONDITION, 'DIGEST_MISMATCH');
  await refused(alice.call('GetProposal', { name: 'proposals/aaaaaaaaaaaaaaaaaaaaaaaa' }),
    grpc.status.NOT_FOUND, 'NOT_FOUND');
  const found = await refused(agent.call('CreateProposal', { action: { ...proposal.action, argv: [] }, reason: 'x' }),
    grpc.status.INVALID_ARGUMENT, 'INVALID_FIELD');
  assert.equal(found['google.rpc.BadRequest'].field_violations[0].field, 'action.argv');
  holds('refusals carry ErrorInfo with a stable reason, and BadRequest with the field');
}

async function list(alice, proposal) {
  const names = [];
  let page = { next_page_token: '' };
  do {
    page = await alice.call('ListProposals', { states: ['PENDING'], target, page_size: 1,
      page_token: page.next_page_token });
    names.push(...page.proposals.map((listed) => listed.name));
  } while (page.next_page_token !== '');
  assert.ok(names.includes(proposal.name));
  assert.equal(new Set(names).size, names.length);
  holds('a human finds it in the queue, page by page');
}

async function approveWhileWaiting(ci, alice, proposal) {
  const expired = await ci.call('WaitProposal', { name: proposal.name, timeout: { seconds: 1 } });
  assert.equal(expired.state, 'PENDING');
  const waiting = ci.call('WaitProposal', { name: proposal.name, timeout: { seconds: 30 } }, 40);
  const approved = await alice.call('ApproveProposal', { name: proposal.name, etag: proposal.etag,
    action_digest: proposal.action_digest, comment: 'looked at it', request_id: crypto.randomUUID() });
  assert.equal(approved.state, 'APPROVED');
  const seen = await waiting;
  assert.equal(seen.state, 'APPROVED');
  assert.equal(seen.decisions[0].principal, 'spiffe://dev.countersign.local/human/alice');
  holds('a wait that runs out says PENDING; a human approves and the waiting job learns it');
  return seen;
}

async function execute(ci, agent, approved, bytes, configuration) {
  await refused(agent.call('ClaimProposal', { name: approved.name }),
    grpc.status.PERMISSION_DENIED, 'NOT_PERMITTED');
  const claim = await ci.call('ClaimProposal', { name: approved.name, request_id: crypto.randomUUID() });
  const forgeries = await verifyToken(claim.token, configuration, claim.proposal, ci);

  const fetched = await ci.download({ proposal: approved.name, digest: approved.action.artifacts[0].digest });
  assert.ok(fetched.equals(bytes));
  const digest = actionDigest(approved.action);
  for (const forged of forgeries) {
    await refused(ci.call('RedeemToken', { token: forged, action_digest: digest }),
      grpc.status.PERMISSION_DENIED, 'TOKEN_INVALID');
  }
  const redeemed = await ci.call('RedeemToken', { token: claim.token, action_digest: digest,
    request_id: crypto.randomUUID() });
  assert.equal(redeemed.proposal.state, 'EXECUTING');
  await refused(ci.call('RedeemToken', { token: claim.token, action_digest: digest }),
    grpc.status.FAILED_PRECONDITION, 'TOKEN_ALREADY_REDEEMED');
  const execution = { name: approved.name, execution_id: redeemed.proposal.execution.id };
  await ci.call('Heartbeat', execution);
  const ended = await ci.call('ReportExecution', { ...execution, exit_code: 0, duration: { seconds: 1 } });
  assert.equal(ended.state, 'SUCCEEDED');
  holds('the job downloads the bytes, redeems once and only the true token, and reports');
}

async function main() {
  const [agent, alice, ci] = ['agent', 'alice', 'ci'].map((name) => new Caller(name));
  try {
    await withoutCertificate(agent.settings);
    const configuration = await discovery(agent.settings.COUNTERSIGN_ISSUER);
    const { proposal, bytes } = await submit(agent);
    await refusals(agent, alice, proposal);
    await list(alice, proposal);
    const approved = await approveWhileWaiting(ci, alice, proposal);
    await execute(ci, agent, approved, bytes, configuration);
  } finally {
    [agent, alice, ci].forEach((caller) => caller.close());
  }
  console.log(`interop: all ${passed} checks hold (Node.js ${process.version})`);
}

main().catch((error) => {
  console.error(`not ok ${passed + 1} - ${error.stack}`);
  process.exitCode = 1;
});
