package corpus

// netRaw is cap_net_raw=ep as an attribute of version 2 (linux/capability.h).
const netRaw = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

var rights = []specimen{
	{planted: "a set-uid program of one's own", fails: []string{setuid}, at: []string{"/app/helper", "layer 5", "4755", "UID 0"},
		plant: func(r *recipe) { r.copy("helper /app", file{Name: "app/helper", Body: elf, Mode: 0o4755}) }},
	{planted: "a set-gid program of one's own", fails: []string{setuid}, at: []string{"GID 42"},
		plant: func(r *recipe) { r.copy("helper /app", file{Name: "app/helper", Body: elf, Mode: 0o2755, GID: 42}) }},
	{planted: "a file capability", fails: []string{setuid}, at: []string{"cap_net_raw=ep"}, plant: func(r *recipe) {
		r.run("setcap cap_net_raw+ep /app/probe", file{Name: "app/probe", Body: elf, Mode: 0o755, PAX: map[string]string{"SCHILY.xattr.security.capability": netRaw}})
	}},
	{planted: "chmod u+s on a program of the distribution", fails: []string{setuid}, at: []string{"/usr/bin/bash", "gave it that"},
		plant: func(r *recipe) {
			r.steps[0].layer = append(r.steps[0].layer, text("var/lib/dpkg/info/bash.list", "/bin/bash\n"))
			r.run("chmod u+s /usr/bin/bash", file{Name: "usr/bin/bash", Body: elf, Mode: 0o4755})
		}},
	{planted: "a set-uid program by a hard link's name", fails: []string{setuid}, at: []string{"/usr/local/bin/helper"},
		plant: func(r *recipe) {
			r.copy("helper /", file{Name: "app/helper", Body: elf, Mode: 0o4755}, hardlink("usr/local/bin/helper", "app/helper"))
		}},
	{planted: "su of Debian, by dpkg's name of it", like: setuid, at: []string{"util-linux"}, plant: func(*recipe) {}},
	{planted: "a set-uid program that apk owns", like: setuid, at: []string{"alpine:busybox-suid"}, plant: func(r *recipe) {
		r.run("apk add busybox-suid", file{Name: "usr/bin/busy", Body: elf, Mode: 0o4755},
			text("lib/apk/db/installed", "P:busybox-suid\nV:1.36.1-r2\nF:usr/bin\nR:busy\n\n"))
	}},
	{planted: "a set-uid program that dpkg owns, in a distroless image", like: setuid, at: []string{"debian:newtool"}, plant: func(r *recipe) {
		r.run("bazel", file{Name: "usr/bin/newtool", Body: elf, Mode: 0o4755},
			text("var/lib/dpkg/status.d/newtool", "Package: newtool\nVersion: 1\n"), text("var/lib/dpkg/status.d/newtool.md5sums", random(40, 32, hex)+"  usr/bin/newtool\n"))
	}},
	{planted: "a set-uid program that a later layer deleted", like: setuid, plant: func(r *recipe) {
		r.copy("helper /app", file{Name: "app/helper", Body: elf, Mode: 0o4755})
		r.run("rm /app/helper", gone("app/helper"))
	}},
	{planted: "a set-uid program that lost the bit", like: setuid, plant: func(r *recipe) {
		r.copy("helper /app", file{Name: "app/helper", Body: elf, Mode: 0o4755})
		r.run("chmod a-s /app/helper", exe("app/helper", elf))
	}},
	{planted: "a set-gid folder", like: setuid, plant: func(r *recipe) { r.run("mkdir", file{Name: "var/mail/", Mode: 0o2755, GID: 8}) }},

	{planted: "code that anyone may rewrite", fails: []string{writable}, at: []string{"/app/jobs.py", "layer 5", "0666"},
		plant: func(r *recipe) { r.copy("jobs.py /app", file{Name: "app/jobs.py", Body: "print()\n", Mode: 0o666}) }},
	{planted: "a folder of code that anyone may write to", fails: []string{writable}, at: []string{"folder of code", "0777"},
		plant: func(r *recipe) { r.run("chmod 777 /app", file{Name: "app/", Mode: 0o777}) }},
	{planted: "a program that anyone may rewrite", fails: []string{writable}, at: []string{"/usr/local/bin/serve", "0777"},
		plant: func(r *recipe) {
			r.copy("serve /usr/local/bin", file{Name: "usr/local/bin/serve", Body: elf, Mode: 0o777})
		}},
	{planted: "settings in /etc that anyone may rewrite", fails: []string{writable}, at: []string{"/etc/app.conf"},
		plant: func(r *recipe) { r.copy("app.conf /etc", file{Name: "etc/app.conf", Body: "port = 1\n", Mode: 0o666}) }},
	{planted: "code of the user that runs it, where it must be immutable", fails: []string{writable}, at: []string{"UID 1001", "/app/own.py"}, plant: func(r *recipe) {
		r.copy("--chown=1001 own.py /app", file{Name: "app/own.py", Body: "print()\n", UID: 1001})
		r.contract.Files.Immutable = true
	}},
	{planted: "code of the user that runs it", like: writable, at: []string{"UID 1001", "files.immutable"},
		plant: func(r *recipe) {
			r.copy("--chown=1001 own.py /app", file{Name: "app/own.py", Body: "print()\n", UID: 1001})
		}},
	{planted: "code of another user, where it must be immutable", like: writable, plant: func(r *recipe) {
		r.copy("--chown=2000 own.py /app", file{Name: "app/own.py", Body: "print()\n", UID: 2000})
		r.contract.Files.Immutable = true
	}},
	{planted: "sticky folders", like: writable, plant: func(r *recipe) { r.run("mkdir", file{Name: "run/lock/", Mode: 0o1777}) }},
	{planted: "a folder for data that anyone may write to", like: writable, at: []string{"/data", "not code"},
		plant: func(r *recipe) { r.run("mkdir -m 777 /data", file{Name: "data/", Mode: 0o777}) }},
	{planted: "symbolic links, whose mode means nothing", like: writable,
		plant: func(r *recipe) { r.run("ln -s", file{Name: "app/run.py", Link: "main.py", Mode: 0o777}) }},
	{planted: "code that was deleted, and could be rewritten", like: writable, plant: func(r *recipe) {
		r.copy("jobs.py /app", file{Name: "app/jobs.py", Body: "print()\n", Mode: 0o666})
		r.run("rm", gone("app/jobs.py"))
	}},
}
