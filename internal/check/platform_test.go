package check

import "podproof.dev/podproof/internal/evidence"

func platform(os, architecture, host string, files ...evidence.EntryFile) evidence.Evidence {
	e := fileImage(func(i *evidence.Image) { i.OS, i.Architecture, i.Entry = os, architecture, files })
	e.Run.Platform = host
	return e
}

func madeFor(machine string) evidence.EntryFile {
	f := elf("/shop")
	f.Machine = machine
	return f
}

// fromWindows is a script whose lines end as Windows writes them.
func fromWindows(interpreter string) evidence.EntryFile {
	return evidence.EntryFile{Word: "/start", Path: "/start", Layer: 2, Interpreter: interpreter, Returns: true}
}

// starting is an image for this machine with a command and a file that this leads to.
func starting(f evidence.EntryFile, command ...string) evidence.Evidence {
	e := platform("linux", "amd64", "linux/amd64", f)
	e.Image.Config.Entrypoint, e.Image.Config.Cmd = command, nil
	return e
}

var platformExamples = []example{
	{name: "one platform", c: goodContract(), e: platform("linux", "amd64", "linux/amd64", madeFor("amd64")), want: Pass, says: []string{"Platform OK (linux/amd64)"}, hides: []string{"emulation", "--platform"}},
	{name: "a machine that is not known", c: goodContract(), e: platform("linux", "arm64", "", madeFor("")), want: Pass},
	{name: "32 bits", c: goodContract(), e: platform("linux", "amd64", "", madeFor("386")), want: Pass},
	{name: "another program", c: goodContract(), e: platform("linux", "amd64", "linux/amd64", madeFor("arm64")), want: Fail,
		says: []string{"! /shop, layer 2 of 2 (COPY . .), reachable: it is a program for arm64", "exec format error"}},
	{name: "another machine's image", c: goodContract(), e: platform("linux", "arm64", "linux/amd64", madeFor("arm64")), want: Fail,
		says: []string{"the image is for linux/arm64 alone, and not for linux/amd64", "was looked at for linux/amd64", "Where the nodes are linux/arm64, say so, and it is right: --platform linux/arm64"}},
	{name: "the machine that was asked for", c: goodContract(), e: platform("linux", "arm64", "linux/arm64", madeFor("arm64")), want: Pass, says: []string{"Platform OK (linux/arm64)"}},
	{name: "an image of 32 bits", c: goodContract(), e: platform("linux", "386", "linux/amd64", madeFor("386")), want: Pass},
	{name: "another machine's image with a program of a third one", c: goodContract(), e: platform("linux", "arm64", "linux/amd64", madeFor("s390x")), want: Fail,
		says: []string{"it is a program for s390x", "the image is for linux/arm64 alone"}},
	{name: "Windows", c: goodContract(), e: platform("windows", "amd64", "linux/amd64"), want: Fail, says: []string{"windows/amd64: no Linux node runs it"}, hides: []string{"Where the nodes are"}},
	{name: "a shell's script from Windows", c: goodContract(), e: starting(fromWindows("/bin/sh"), "tini", "--", "/start"), want: Fail,
		says: []string{"/start has the line ends of Windows", `"/bin/sh\r" is looked for`, "git add --renormalize"}},
	{name: "another interpreter's", c: goodContract(), e: starting(fromWindows("/usr/bin/node"), "/start"), want: Fail, says: []string{"/start has the line ends of Windows"}},
	{name: "another interpreter's, which is given it as an argument", c: goodContract(), e: starting(fromWindows("/usr/bin/node"), "node", "/start"), want: Pass},
	{name: "no command at all", c: goodContract(), e: starting(fromWindows("/usr/bin/node")), want: Pass},
	{name: "no platform", c: goodContract(), e: platform("", "", "linux/amd64"), want: Inconclusive},
	{name: "only the configuration was read", c: goodContract(), e: unread(), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: noImage(), want: Inconclusive},
}
