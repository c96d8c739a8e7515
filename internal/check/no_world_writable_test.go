package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func writable(ws ...evidence.WritablePath) evidence.Evidence {
	return fileImage(func(i *evidence.Image) {
		for _, w := range ws {
			w.Layer = 1
			i.WorldWritable = append(i.WorldWritable, w)
		}
	})
}

// owned is an image in which users other than root own code; the pod leaves the user to it.
func owned(user string, owners ...evidence.CodeOwner) evidence.Evidence {
	e := fileImage(func(i *evidence.Image) { i.Config.User, i.CodeOwners = user, owners })
	e.Workload = nil
	return e
}

var (
	ownCode   = evidence.CodeOwner{UID: 1001, Files: 31, Example: "/app/main.py", Layer: 1}
	immutable = files(contract.Files{Immutable: true})
)

var worldWritableExamples = []example{
	{name: "none", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"No world-writable code OK"}},
	{name: "a script", c: goodContract(), e: writable(evidence.WritablePath{Path: "/app/run.sh", Mode: "0777", Code: true}), want: Fail,
		says: []string{"! /app/run.sh, layer 2 of 2 (COPY . .), reachable: anyone may rewrite this code (mode 0777)"}},
	{name: "a folder of code", c: goodContract(), e: writable(evidence.WritablePath{Path: "/app", Mode: "0777", Dir: true, Code: true, Count: 40}), want: Fail,
		says: []string{"put files into this folder of code", "40 more below"}},
	{name: "settings", c: goodContract(), e: writable(evidence.WritablePath{Path: "/etc/passwd", Mode: "0666"}), want: Fail},
	{name: "a folder for data", c: goodContract(), e: writable(evidence.WritablePath{Path: "/app/uploads", Mode: "0777", Dir: true}, evidence.WritablePath{Path: "/app/log", Mode: "0666"}), want: Pass,
		says: []string{"it is not code"}},
	{name: "allowed", c: files(contract.Files{Allow: []string{"/app/plugins"}}), e: writable(evidence.WritablePath{Path: "/app/plugins/a.py", Mode: "0666", Code: true}), want: Pass},
	{name: "COPY --chown", c: goodContract(), e: owned("1001", ownCode), want: Pass, says: []string{"31 files of code belong to UID 1001", "files.immutable: true"}},
	{name: "COPY --chown of a name", c: goodContract(), want: Pass, says: []string{"31 files of code"}, e: func() evidence.Evidence {
		e := owned("app", ownCode)
		e.Image.User = known(1001)
		return e
	}()},
	{name: "code of the user, immutable", c: immutable, e: owned("1001:1001", ownCode), want: Fail, says: []string{"! /app/main.py", "COPY them without --chown"}},
	{name: "code of the user that the pod names, immutable", c: immutable, want: Fail, e: fileImage(func(i *evidence.Image) {
		i.Config.User, i.CodeOwners = "7", []evidence.CodeOwner{ownCode}
	})},
	{name: "code of another user, immutable", c: immutable, e: owned("1002", ownCode), want: Pass, hides: []string{"31 files"}},
	{name: "run as root, immutable", c: immutable, e: owned("", ownCode), want: Pass},
	{name: "code of root alone, immutable", c: immutable, e: owned("nobody"), want: Pass},
	{name: "code of somebody, user not known, immutable", c: immutable, e: owned("nobody", ownCode), want: Inconclusive, says: []string{"is not known"}},
	{name: "only the configuration was read", c: goodContract(), e: unread(), want: Inconclusive},
	{name: "kept by an earlier podproof", c: goodContract(), e: oldRead(), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: noImage(), want: Inconclusive},
}
