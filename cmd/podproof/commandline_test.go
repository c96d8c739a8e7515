package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestWrongCommandLines(t *testing.T) {
	alone(t)
	for name, text := range map[string]string{
		"empty.tar": "", "empty.json": "", "notes.txt": "hello\n", "podproof.yaml": "apiVersion: podproof/v1alpha1\nkind: Contract\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ args, says string }{
		{"inspect", "podproof inspect takes one argument, IMAGE; it received none\nRun `podproof inspect --help` for usage"},
		{"inspect a:1 b:1", `podproof inspect takes one argument, IMAGE; it received 2: "a:1", "b:1"`},
		{"judge a.json b.json", `podproof judge takes at most one argument, EVIDENCE.json; it received 2: "a.json", "b.json"`},
		{"verify app:1 app:2", `podproof verify takes at most one argument, IMAGE; it received 2: "app:1", "app:2"`},
		{"build app:1", `podproof build takes no arguments; it received 1: "app:1"`},
		{"checks all", `podproof checks takes no arguments; it received 1: "all"`},

		{"verfy", `unknown command "verfy"; did you mean verify?`},
		{"--only x", "podproof has no flag --only; it is one of `podproof inspect` and `podproof job` and `podproof plan` and `podproof rbac` and `podproof verify`\nRun `podproof --help` for usage"},
		{"shop/api:1", "unknown command \"shop/api:1\"; if it is an image: `podproof inspect shop/api:1` reads it, `podproof verify shop/api:1` runs it"},
		{"everything", `unknown command "everything"; the commands are agent, attest, build, checks, clean, completion, diff, explain, gate, init, inspect, job, judge, plan, rbac, verify, version`},

		{"verify --onyl image/*", "unknown flag --onyl; did you mean --only?\nRun `podproof verify --help` for usage"},
		{"inspect --no-colour x", "unknown flag --no-colour; did you mean --no-color?"},
		{"judge --only image/* e.json", "podproof judge has no flag --only; it is one of `podproof inspect` and `podproof job` and `podproof plan` and `podproof rbac` and `podproof verify`"},
		{"judge --everything e.json", "unknown flag --everything; the flags of podproof judge are --file, --help, --no-color, --output, --quiet, --verbose"},
		{"clean --all", "unknown flag --all; the flags of podproof clean are --cluster, --help, --kubeconfig, --namespace"},
		{"judge -verbose e.json", "unknown flag -e in -erbose; did you mean --verbose, with two hyphens?"},
		{"judge -q -v e.json", "-q and -v contradict each other; give one of them"},
		{"judge -x e.json", "unknown flag -x in -x; podproof judge has -f, -h, -o, -q, -v"},
		{"verify --only", "--only needs a value: --only IDs"},
		{"judge -o", "--output needs a value: --output FORMAT[=FILE]"},
		{"verify --timeout 5", `--timeout 5: "5" is not a duration; write it with its unit, such as 5m or 300s`},
		{"verify --keep=maybe", `--keep=maybe: "maybe" is neither true nor false; write --keep alone to turn it on`},
		{"verify -o jnuit", `-o jnuit: unknown format "jnuit"; did you mean junit?`},

		{"inspect --write-waivers new.yaml empty.tar", `--write-waivers needs --until and the waivers' last day, such as 2026-12-31 (--until is "")`},
		{"inspect --write-waivers new.yaml --until soon empty.tar", `(--until is "soon")`},
		{"inspect --write-waivers notes.txt --until 2026-12-31 empty.tar", "--write-waivers: notes.txt is there already, and is not overwritten"},
		{"inspect --write-waivers none/new.yaml --until 2026-12-31 empty.tar", "--write-waivers: none/new.yaml cannot be written: there is no folder none"},
		{"inspect --until 2026-12-31 empty.tar", "--until and --by are about the file of --write-waivers"},
		{"rbac --service-account podproof", "--service-account podproof: write it as NAMESPACE/NAME, such as ci/podproof"},
		{"rbac -n Shop", "--namespace Shop: it is no name of a namespace: a lowercase RFC 1123 label"},
		{"rbac -f nope.yaml", "nope.yaml: there is no such file"},
		{"rbac --only everything", "no check matches"},

		{"judge .", ". is a folder; name the file that `podproof verify --evidence FILE` wrote"},
		{"judge empty.json", "empty.json: the file is empty"},
		{"judge none.json", "there is no file none.json"},
		{"inspect tar:empty.tar", "image archive empty.tar: the file is empty; write the image to it with `docker save -o empty.tar IMAGE`"},
		{"inspect empty.tar", "image archive empty.tar: the file is empty"},
		{"inspect notes.txt", "image archive notes.txt: it is not a tar file"},
		{"inspect tar:none.tar", "there is no file none.tar in " + here + "; name an image archive, such as `docker save -o none.tar IMAGE` writes"},
		{"inspect tar:folder", "folder is a folder; an OCI layout is named oci:folder"},
		{"inspect oci:.", "folder . is not an OCI image layout: it has no index.json; name a folder such as `docker buildx build --output type=oci,tar=false,dest=FOLDER` writes"},
		{"inspect oci:notes.txt", "notes.txt is a file, not a folder; an image archive is named tar:notes.txt"},
		{"inspect oci:none", "there is no folder none in " + here},
		{"inspect .", "folder . is not an OCI image layout"},
		{"inspect ./folder", "folder ./folder is not an OCI image layout"},
		{"verify -f nope.yaml", "nope.yaml: there is no such file, but podproof.yaml is beside it; write -f podproof.yaml to use that one"},
		{"inspect -f folder/nope.yaml x", "folder/nope.yaml: there is no such file; correct -f, or have one written there: podproof init -f folder/nope.yaml"},
		{"build -f folder", "folder/podproof.yaml: there is no contract here"},
	} {
		var b bytes.Buffer
		code := exitCode(execute(t.Context(), newRoot(), strings.Fields(x.args)), &b)
		if code != exitUsage || !strings.Contains(b.String(), x.says) {
			t.Errorf("podproof %s: exit code %d\ngot  %swant %s", x.args, code, b.String(), x.says)
		}
	}
}
