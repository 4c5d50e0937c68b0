// What programs do with dockerode, on the engine that DOCKER_HOST names. Prints "done" at the end; throws otherwise.
"use strict";

const assert = require("node:assert/strict");
const { PassThrough } = require("node:stream");
const Docker = require("dockerode");

const docker = new Docker();

/** All that a stream brings, as text. */
async function text(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** The two streams of a multiplexed one, as text, once it has ended. */
async function demultiplexed(stream) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  docker.modem.demuxStream(stream, stdout, stderr);
  stream.on("end", () => {
    stdout.end();
    stderr.end();
  });
  return Promise.all([text(stdout), text(stderr)]);
}

async function images() {
  const stream = await docker.pull("alpine:latest");
  const lines = await new Promise((resolve, reject) =>
    docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output))),
  );
  assert.match(lines.at(-1).status, /^Status: /);
  const image = docker.getImage("alpine:latest");
  assert.equal((await image.inspect()).Os, "linux");
  await image.tag({ repo: "mine", tag: "one" });
  assert.ok((await docker.listImages()).some((one) => one.RepoTags.includes("mine:one")));
  assert.ok((await image.history()).length > 0);
  await docker.getImage("mine:one").remove();
  await assert.rejects(docker.getImage("mine:one").inspect(), { statusCode: 404 });
}

async function attached() {
  const container = await docker.createContainer({
    Image: "busybox",
    Cmd: ["sh", "-c", "read line; echo got $line; echo trouble >&2; exit 3"],
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
  });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  const output = demultiplexed(stream);
  await container.start();
  stream.write("words\n");
  stream.end();
  assert.deepEqual(await output, ["got words\n", "trouble\n"]);
  assert.equal((await container.wait()).StatusCode, 3);
  assert.match((await container.logs({ stdout: true, stderr: true })).toString(), /got words/);
  await container.remove();
}

async function ran() {
  const stdout = new PassThrough();
  const [result, container] = await docker.run("busybox", ["echo", "hello"], stdout, { Tty: true });
  stdout.end();
  assert.equal(result.StatusCode, 0);
  assert.equal(await text(stdout), "hello\r\n");
  await container.remove();
}

async function events(since) {
  const until = Math.ceil(Date.now() / 1000) + 1;
  const told = (await text(await docker.getEvents({ since, until, filters: { type: ["container"] } })))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).Action);
  for (const action of ["create", "start", "die", "destroy"]) assert.ok(told.includes(action), `${action} in ${told}`);
}

async function networked() {
  const network = await docker.createNetwork({
    Name: "net",
    IPAM: { Config: [{ Subnet: "10.88.0.0/24", Gateway: "10.88.0.1" }] },
    Labels: { a: "b" },
  });
  const volume = await docker.createVolume({ Name: "data" });
  const web = await docker.createContainer({
    name: "web",
    Image: "busybox",
    Cmd: ["sh", "-c", "mkdir /www; echo page >/www/index.html; echo up; exec httpd -f -p 80 -h /www"],
    ExposedPorts: { "80/tcp": {} },
    HostConfig: { NetworkMode: "net", PortBindings: { "80/tcp": [{ HostPort: "" }] }, Binds: ["data:/data"] },
    NetworkingConfig: { EndpointsConfig: { net: { Aliases: ["www"], IPAMConfig: { IPv4Address: "10.88.0.9" } } } },
  });
  await web.start();
  const client = await docker.createContainer({ name: "client", Image: "busybox", Cmd: ["sleep", "600"] });
  await client.start();
  await network.connect({ Container: client.id, EndpointConfig: { Aliases: ["asker"] } });
  assert.deepEqual(Object.keys((await network.inspect()).Containers).length, 2);
  assert.equal((await web.inspect()).NetworkSettings.Networks.net.IPAddress, "10.88.0.9");

  const asked = await execute(client, ["sh", "-c", "until wget -qO- http://www/ 2>/dev/null; do sleep 0.1; done"]);
  assert.deepEqual(asked, { output: ["page\n", ""], code: 0 });
  assert.equal((await execute(client, ["sh", "-c", "echo no >&2; exit 4"])).code, 4);

  await followed(web);
  await measured(web);
  await files(web);

  await network.disconnect({ Container: client.id });
  for (const container of [web, client]) await container.remove({ force: true });
  await network.remove();
  await volume.remove();
  assert.deepEqual((await docker.listNetworks()).map((one) => one.Name).sort(), ["bridge", "host", "none"]);
}

async function execute(container, command) {
  const made = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  const output = await demultiplexed(await made.start({ hijack: true, stdin: false }));
  return { output, code: (await made.inspect()).ExitCode };
}

async function followed(container) {
  const stream = await container.logs({ follow: true, stdout: true, stderr: true });
  const output = demultiplexed(stream);
  await container.pause();
  await container.unpause();
  await container.restart({ t: 0 });
  const [stdout] = await output;
  assert.match(stdout, /^up\n/);
}

async function measured(container) {
  const once = await container.stats({ stream: false });
  assert.ok(once.memory_stats.usage > 0);
  const stream = await container.stats({ stream: true });
  await new Promise((resolve) => stream.once("data", resolve));
  stream.destroy();
  assert.ok((await container.top()).Processes.length >= 1);
  await container.update({ Memory: 64 << 20, MemorySwap: 64 << 20 });
  assert.equal((await container.inspect()).HostConfig.Memory, 64 << 20);
}

async function files(container) {
  // A tar archive of one file: a header of 512 bytes, the words, zeros.
  const header = Buffer.alloc(512);
  header.write("note");
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write("00000000005\0", 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const body = Buffer.alloc(512);
  body.write("words");
  await container.putArchive(Buffer.concat([header, body, Buffer.alloc(1024)]), { path: "/tmp" });
  assert.deepEqual((await execute(container, ["cat", "/tmp/note"])).output, ["words", ""]);
  const archive = await text(await container.getArchive({ path: "/tmp/note" }));
  assert.match(archive, /^note\0/);
  assert.match(archive, /words/);
  assert.ok((await container.changes()).some((change) => change.Path === "/tmp/note" && change.Kind === 1));
}

async function main() {
  const since = Math.floor(Date.now() / 1000) - 1;
  assert.equal((await docker.ping()).toString(), "OK");
  assert.equal((await docker.version()).Os, "linux");
  assert.equal((await docker.info()).Containers, 0);
  await images();
  await attached();
  await ran();
  await networked();
  await events(since);
  assert.deepEqual(await docker.listContainers({ all: true }), []);
  console.log("done");
}

main();
