import assert from "node:assert/strict";
import { join } from "node:path";
import { projectFolder } from "../../tools/child.ts";
import { fromSource } from "./run_vaultra.ts";
import { type How, prepareVault, runSilent } from "./vault.ts";
import { humble, inPairs, testOnce, Workplace } from "./workplace.ts";

type Case = readonly [args: string, how?: How];

/** Every command that the program's help names, as a person types it. */
async function commandsOf(place: Workplace, of: readonly string[] = []): Promise<string[]> {
  const help = await place.ok(...of, "--help");
  const listed = /^Commands:\n((?: {2}.*\n)+)/m.exec(help)?.[1] ?? "";
  const names = [...listed.matchAll(/^ {2}(\w[\w-]*)/gm)].map(([, name]) => name!);
  if (names.length === 0) return [of.join(" ")];
  const below = names.filter((name) => name !== "help" || of.length === 0).map((name) =>
    name === "help" ? Promise.resolve(["help"]) : commandsOf(place, [...of, name])
  );
  return (await Promise.all(below)).flat();
}

/** Every way in which a command tells what it does. */
const voices: readonly (readonly string[])[] = [
  ["--log-level", "debug"],
  ["--json", "--log-level", "debug", "--log-format", "json"],
];

const isDone = (code: number) => code === 0 || code === 3;

/** What each command is run with: what must work, and what must not. */
function casesOf(ids: readonly string[]): Record<string, { readonly works: Case[]; readonly fails: Case[] }> {
  const opened = "--identity-file backup.key";
  const closed = "--identity-file foreign.key";
  const phrase = "--job phrase --passphrase-file passphrase";
  const unread: How = { prefix: humble };
  return {
    backup: {
      works: [
        ["backup shop"],
        ["backup phrase"],
        ["backup spoken --dry-run"],
        ["backup plain"],
        ["backup --db sqlite:shop.db --to ./flag --passphrase-file passphrase"],
        ["backup shop", { signal: "SIGINT" }],
      ],
      fails: [
        ["backup absent"],
        ["backup chosen"],
        ["backup shop --to ./a-file"],
        ["backup shop --to ./locked/store", unread],
        ["backup --db sqlite:shop.db --to ./flag --passphrase-file two-lines"],
        ["backup --db sqlite:shop.db --to ./flag --passphrase-file denied", unread],
        ["backup --db sqlite:shop.db --to ./flag --recipient offlin"],
        ["backup shop", { env: { OFFLINE: "", SHOP: "" } }],
      ],
    },
    restore: {
      works: [
        [`restore latest --job shop --to sqlite:restored.db --if-exists replace --yes ${opened}`],
        [`restore latest ${phrase} --to sql:- --only orders`],
        ["restore latest --job shop --to sqlite:configured.db --if-exists replace --yes"],
      ],
      fails: [
        [`restore latest --job shop --to sqlite:no.db ${closed}`],
        ["restore latest --job phrase --to sqlite:no.db --passphrase-file other-passphrase"],
        ["restore latest --job phrase --to sqlite:no.db --passphrase-file backup.key"],
        ["restore latest --job shop --to sqlite:no.db --identity-file passphrase"],
        ["restore latest --job shop --to sqlite:no.db --identity-file signing.pem"],
        ["restore latest --job shop --to sqlite:no.db --identity-file denied", unread],
        ["restore latest --job shop --to sqlite:no.db", { env: { VAULTRA_IDENTITY_FILE: "passphrase" } }],
        [`restore latest --job shop --store ./damaged --to sqlite:no.db ${opened}`],
        [`restore latest --job shop --store ./nowhere --to sqlite:no.db ${opened}`],
        [`restore latest --job shop --to sqlite:restored.db ${opened}`],
      ],
    },
    list: {
      works: [["list"], ["list runs"], ["list jobs"]],
      fails: [["list --store ./a-file"], ["list --store s3://user:x@bucket"]],
    },
    show: {
      works: [[`show latest --job shop`], [`show latest --job shop ${opened}`]],
      fails: [[`show latest --job shop ${closed}`], ["show latest --store ./nowhere"]],
    },
    verify: {
      works: [
        [`verify latest --job shop ${opened}`],
        [`verify latest ${phrase} --quick`],
        [`verify latest --job shop --sample 50% --seed 01234567 ${opened}`],
      ],
      fails: [
        [`verify latest --job shop ${closed}`],
        [`verify --all --store ./damaged ${opened}`],
        ["verify --all --store ./nowhere"],
        ["verify latest --job phrase --passphrase-file other-passphrase"],
      ],
    },
    copy: {
      works: [["copy latest --job shop --to ./copies"]],
      fails: [
        ["copy latest --job shop --to ./a-file"],
        ["copy latest --job shop --store ./damaged --to ./copies-2"],
      ],
    },
    salvage: {
      works: [[`salvage latest --job shop ${opened}`]],
      // What of it can be read is told, and yet the end is a failure.
      fails: [
        [`salvage latest --job shop --store ./damaged ${opened}`],
        [`salvage latest --job shop ${closed}`],
        ["salvage signing.pem"],
        [`salvage latest --job shop --store ./damaged --to sqlite:salvaged.db ${closed}`],
      ],
    },
    cat: {
      works: [[`cat latest orders --job shop ${opened}`], [`cat latest orders ${phrase} --as json`]],
      fails: [
        [`cat latest orders --job shop ${closed}`],
        [`cat latest nothing --job shop ${opened}`],
        [`cat latest orders --job shop --store ./damaged --identity-file passphrase`],
      ],
    },
    diff: {
      works: [[`diff latest latest --job shop ${opened}`]],
      fails: [
        [`diff latest latest --job shop ${closed}`],
        [`diff latest latest --job shop --second-store ./nowhere ${opened}`],
      ],
    },
    pin: { works: [["pin latest --job plain"]], fails: [["pin latest --store ./nowhere"]] },
    unpin: { works: [["unpin latest --job plain"]], fails: [["unpin 2020 --job shop"]] },
    delete: {
      works: [[`delete ${ids[0]} --store ./flag --yes --dry-run`]],
      fails: [["delete 20200101T000000Z-full-0000 --yes"], [`delete ${ids[0]} --store ./nowhere --yes`]],
    },
    unlock: {
      works: [["unlock shop --store ./backups --yes"]],
      fails: [["unlock shop --store ./a-file --yes"]],
    },
    "key generate": {
      works: [["key generate new-VOICE.key"], ["key generate --signing new-VOICE.pem"]],
      fails: [["key generate backup.key"], ["key generate nowhere/new.key"]],
    },
    "key rotate": {
      works: [[`key rotate latest --job shop --to offline --to backup ${opened}`]],
      fails: [
        [`key rotate latest --job shop --to offline ${closed}`],
        [`key rotate latest --job plain --to offlin`],
        [`key rotate latest --job shop --to offline --store ./damaged --identity-file passphrase`],
      ],
    },
    doctor: {
      works: [["doctor shop"], ["doctor --db sqlite:shop.db --to ./flag"]],
      fails: [["doctor absent"], ["doctor --db sqlite:shop.db --to ./a-file"]],
    },
    config: {
      works: [["config check"], ["config show"], ["config schema"]],
      fails: [
        ["config check", { env: { OFFLINE: "not an identity", NOTE: "" } }],
        ["config show -c signing.pem"],
        ["config check -c passphrase"],
      ],
    },
    completions: { works: [["completions bash"]], fails: [["completions tcsh"]] },
    help: { works: [["help"], ["help key"]], fails: [["help nonsense"]] },
  };
}

testOnce("vaultra shows no secret, whatever is done with it", async (place) => {
  const vault = await prepareVault(place);
  await place.bash(
    "echo file > a-file; mkdir locked; chmod 500 locked; cp backup.key denied; chmod 000 denied",
  );
  vault.inputs.push(place.path("denied"));
  const quiet = async (args: string, how?: How) => await runSilent(place, vault, args.split(" "), how);

  for (const job of ["shop", "phrase", "plain"]) {
    const { code, stderr } = await quiet(`backup ${job}`);
    assert.ok(isDone(code), stderr);
  }
  await place.bash(`cp -r backups damaged; for f in damaged/*/*.age; do
    printf 'x' | dd of="$f" bs=1 seek=$(($(stat -c %s "$f") / 2)) conv=notrunc status=none; done`);
  const ids: string[] = [];
  for (const _ of voices) {
    const { stdout } = await quiet("backup --db sqlite:shop.db --to ./flag --json");
    ids.push(/"id":"([^"]+)"/.exec(stdout)![1]!);
  }

  const cases = casesOf(ids);
  assert.deepEqual(
    Object.keys(cases).sort(),
    (await commandsOf(place)).sort(),
    "every command has its cases",
  );
  await inPairs(Object.entries(cases), async ([command, { works, fails }]) => {
    // The first in both voices, the others in one of them.
    for (const [index, [args, how]] of [works[0]!, ...works].entries()) {
      const voice = index % voices.length;
      const words = [...args.replace("VOICE", String(index)).split(" "), ...voices[voice]!];
      const { code, stdout, stderr } = await runSilent(place, vault, words, how);
      const said = `vaultra ${args}: ${code}\n${stdout}${stderr}`;
      assert.ok(isDone(code) || (how?.signal !== undefined && code === 130), said);
    }
    for (const [index, [args, how]] of fails.entries()) {
      const { code, stdout, stderr } = await quiet(
        `${args} ${voices[index % voices.length]!.join(" ")}`,
        how,
      );
      assert.ok(!isDone(code), `vaultra ${args}\n${stdout}${stderr}`);
      assert.doesNotMatch(stderr, /^\s+at /m, `vaultra ${args}: a stack`);
    }
    if (command === "help") return;
    const slip = await quiet(`${command} --nonsense`);
    assert.equal(slip.code, 2, `vaultra ${command} --nonsense\n${slip.stderr}`);
  });
  vault.inputs.push(
    ...(await place.files()).filter((line) => line.startsWith("new-")).map((line) =>
      place.path(line.split(" ")[0]!)
    ),
  );
  const { inputs: except, identities } = vault;
  assert.deepEqual(await vault.search.inFolder(place.folder, { except, identities }), []);
});

testOnce("vaultra shows no secret of a configuration that is wrong", async (place) => {
  const vault = await prepareVault(place);
  for (const [what, config] of Object.entries(vault.wrong)) {
    await Deno.writeTextFile(place.path("vaultra.yaml"), config);
    await inPairs(voices, async (options, voice) => {
      const command = voice === 0 ? ["backup", "shop"] : ["config", "check"];
      const done = await runSilent(place, vault, [...command, ...options]).catch((error) => {
        throw new assert.AssertionError({ message: `${what}: ${error.message}` });
      });
      assert.ok(!isDone(done.code), `${what}: ${done.stdout}${done.stderr}`);
    });
  }
  const { inputs: except, identities } = vault;
  assert.deepEqual(await vault.search.inFolder(place.folder, { except, identities }), []);
});

Deno.test("vaultra shows no secret when it has a defect", async () => {
  const program = join(projectFolder, "tests/fakes/defective_vaultra.ts");
  await using place = await Workplace.open({
    ...fromSource,
    args: [...fromSource.args.slice(0, -1), program],
  });
  const vault = await prepareVault(place);
  for (const options of voices) {
    for (const command of ["backup shop", "backup phrase", "list", "verify --all", "doctor shop"]) {
      const { code, stdout, stderr } = await runSilent(place, vault, [...command.split(" "), ...options]);
      assert.ok(!isDone(code), `${command}\n${stdout}${stderr}`);
      assert.match(stderr + stdout, /Cannot read properties of/, command);
    }
  }
  const { inputs: except, identities } = vault;
  assert.deepEqual(await vault.search.inFolder(place.folder, { except, identities }), []);
});

testOnce("the search for secrets finds them in every form and in every place", async (place) => {
  const vault = await prepareVault(place);
  const { search, canaries } = vault;
  for (const { name, secret } of canaries) {
    const buffer = new TextEncoder().encode(secret);
    const forms = {
      plain: secret,
      JSON: JSON.stringify({ secret }),
      "percent-encoded": `x://u:${encodeURIComponent(secret)}@host`,
      hex: buffer.toHex(),
      Base64: buffer.toBase64(),
      "Base64 after a byte": new Uint8Array([1, ...buffer, 2]).toBase64(),
      "Base64 after two bytes": new Uint8Array([1, 2, ...buffer, 3]).toBase64({ alphabet: "base64url" }),
    };
    for (const [form, text] of Object.entries(forms)) {
      const found = search.inBytes(new TextEncoder().encode(`some text ${text} and more`));
      assert.ok(found.some((each) => each.startsWith(name)), `${name} in ${form} was not found`);
    }
  }
  await Deno.mkdir(place.path("planted"));
  const { secret } = canaries.find(({ name }) => name === "the password of an address")!;
  await Deno.writeTextFile(
    place.path("planted", "text"),
    `${"filler ".repeat(50_000)}${secret}${"filler ".repeat(50_000)}`,
  );
  await place.bash(
    `cd planted; zstd -q text -o a.tar.zst; age -r $(age-keygen -y ../backup.key) -o b.tar.zst.age a.tar.zst
    head -c 3000 a.tar.zst > cut.tar.zst; rm text; touch ${canaries.at(-1)!.secret}`,
  );
  const found = await search.inFolder(place.path("planted"), { except: [], identities: vault.identities });
  for (
    const [path, how] of [["a.tar.zst", "decompressed"], ["b.tar.zst.age", "decompressed"], [
      canaries.at(-1)!.secret,
      "the name",
    ]]
  ) {
    assert.ok(
      found.some((each) => each.includes(path!) && each.includes(how!)),
      `${path}: ${found.join("\n")}`,
    );
  }
});
