package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// privileged is an image whose second layer, by that instruction, has files that give rights.
func privileged(createdBy string, fs ...evidence.PrivilegedFile) evidence.Evidence {
	return fileImage(func(i *evidence.Image) {
		i.Layers[1].CreatedBy = createdBy
		for _, f := range fs {
			f.Layer = 1
			i.Privileged = append(i.Privileged, f)
		}
	})
}

const aptInstall = "RUN /bin/sh -c apt-get install -y tini # buildkit"

var setuidExamples = []example{
	{name: "none", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"No set-uid files OK"}},
	{name: "the image's own", c: goodContract(), want: Fail, says: []string{"! /app/helper, layer 2 of 2 (COPY . .), reachable: it runs as UID 0, whoever calls it (mode 4755)", "1 file of the image's own: /app/helper"},
		e: privileged("COPY . . # buildkit", evidence.PrivilegedFile{Path: "/app/helper", Mode: "4755"})},
	{name: "set-gid", c: goodContract(), want: Fail, says: []string{"runs as GID 42"}, e: privileged(aptInstall, evidence.PrivilegedFile{Path: "/usr/bin/other", Mode: "2755", GID: 42})},
	{name: "both bits", c: goodContract(), want: Fail, says: []string{"UID 0 and GID 0"}, e: privileged(aptInstall, evidence.PrivilegedFile{Path: "/opt/x", Mode: "06755"})},
	{name: "capability", c: goodContract(), want: Fail, says: []string{"it has the capabilities cap_net_bind_service=ep"},
		e: privileged("RUN /bin/sh -c setcap cap_net_bind_service=+ep /usr/local/bin/node", evidence.PrivilegedFile{Path: "/usr/local/bin/node", Mode: "0755", Capabilities: "cap_net_bind_service=ep"})},
	{name: "Debian's", c: goodContract(), want: Pass, says: []string{"No set-uid files of its own OK", "/usr/bin/su (debian:util-linux) and /usr/lib/x (debian:x)"},
		e: privileged(aptInstall, evidence.PrivilegedFile{Path: "/usr/bin/su", Mode: "4755", Owner: "debian:util-linux"}, evidence.PrivilegedFile{Path: "/usr/lib/x", Mode: "4755", Owner: "debian:x"})},
	{name: "RPM's, by name", c: goodContract(), want: Pass, e: privileged(aptInstall, evidence.PrivilegedFile{Path: "/usr/bin/newuidmap", Mode: "0755", Capabilities: "cap_setuid=ep"})},
	{name: "a name alone is not enough", c: goodContract(), want: Fail, e: privileged(aptInstall, evidence.PrivilegedFile{Path: "/usr/local/bin/su", Mode: "4755"})},
	{name: "one of the distribution, another not", c: goodContract(), want: Fail, says: []string{"1 file of the image's own: /app/helper"},
		e: privileged(aptInstall, evidence.PrivilegedFile{Path: "/usr/bin/su", Mode: "4755"}, evidence.PrivilegedFile{Path: "/app/helper", Mode: "4755"})},
	{name: "a package's file that the Dockerfile gave the bit", c: goodContract(), want: Fail, says: []string{"its instruction gave it that"},
		e: privileged("RUN /bin/sh -c chmod u+s /usr/bin/find # buildkit", evidence.PrivilegedFile{Path: "/usr/bin/find", Mode: "4755", Owner: "debian:findutils"})},
	{name: "the same by number", c: goodContract(), want: Fail,
		e: privileged("RUN /bin/sh -c apt-get update && chmod 4755 /usr/bin/find && true", evidence.PrivilegedFile{Path: "/usr/bin/find", Mode: "4755", Owner: "debian:findutils"})},
	{name: "the same by capability", c: goodContract(), want: Fail,
		e: privileged("RUN /bin/sh -c setcap 'cap_net_raw=+ep' $(which nginx) /usr/sbin/nginx", evidence.PrivilegedFile{Path: "/usr/sbin/nginx", Mode: "0755", Capabilities: "cap_net_raw=ep", Owner: "debian:nginx"})},
	{name: "an instruction that takes bits", c: goodContract(), want: Pass,
		e: privileged("RUN /bin/sh -c chmod u-s /usr/bin/find; chmod 0755 /usr/bin/su; chmod +x /app/su", evidence.PrivilegedFile{Path: "/usr/bin/su", Mode: "4755", Owner: "debian:util-linux"})},
	{name: "allowed", c: files(contract.Files{Allow: []string{"/app/helper"}}), e: privileged(aptInstall, evidence.PrivilegedFile{Path: "/app/helper", Mode: "4755"}), want: Pass},
	{name: "only the configuration was read", c: goodContract(), e: unread(), want: Inconclusive},
	{name: "kept by an earlier podproof", c: goodContract(), e: oldRead(), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: noImage(), want: Inconclusive},
}
