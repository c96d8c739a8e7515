package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// credentials are in files of the second layer.
func credentials(ss ...evidence.FileSecret) evidence.Evidence {
	return fileImage(func(i *evidence.Image) {
		for _, s := range ss {
			s.Layer = 1
			if s.Reach == "" {
				s.Reach = evidence.Reachable
			}
			i.Secrets = append(i.Secrets, s)
		}
	})
}

var (
	awsKey = evidence.FileSecret{Rule: "aws-access-key", What: "an AWS access key", Path: "/app/.aws/credentials", Line: 2, Masked: "AKIA…", Fingerprint: "1"}
	rsaKey = evidence.FileSecret{Rule: "private-key", What: "a private key", Path: "/root/.ssh/id_rsa", Fingerprint: "2"}
)

var secretsInLayersExamples = []example{
	{name: "none", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"No secrets in image files OK", "  the image's layers: read 1 layer with 41 files of 21.0 MiB"}},
	{name: "reachable", c: goodContract(), e: credentials(awsKey), want: Fail,
		says: []string{"! /app/.aws/credentials:2, layer 2 of 2 (COPY . .), reachable: an AWS access key (AKIA…)", "1 credential, readable by everybody"}, hides: []string{"deleted or"}},
	{name: "deleted later", c: goodContract(), want: Fail, says: []string{"history only (deleted or replaced later, and shipped all the same)", "stays in the layer below"}, e: func() evidence.Evidence {
		s := rsaKey
		s.Reach = evidence.HistoryOnly
		return credentials(s)
	}()},
	{name: "one of two deleted", c: goodContract(), want: Fail, says: []string{"2 credentials", "1 of them deleted"}, e: func() evidence.Evidence {
		s := rsaKey
		s.Reach = evidence.HistoryOnly
		return credentials(awsKey, s)
	}()},
	{name: "a library's key for its self-test", c: goodContract(), want: Pass, says: []string{"tests itself with"}, e: func() evidence.Evidence {
		s := rsaKey
		s.Path = "/usr/lib64/libgnutls.so.30.37.1"
		return credentials(s)
	}()},
	{name: "a key beside the libraries", c: goodContract(), want: Fail, e: func() evidence.Evidence {
		s := rsaKey
		s.Path = "/usr/lib64/tls.key"
		return credentials(s)
	}()},
	{name: "a dependency's own file", c: goodContract(), want: Pass, says: []string{"in a file that node:tunnel ships to everybody"}, e: func() evidence.Evidence {
		s := rsaKey
		s.Path, s.Owner = "/app/node_modules/tunnel/test/keys/agent1-key.pem", "node:tunnel"
		return credentials(s)
	}()},
	{name: "a dependency's file does not excuse another", c: goodContract(), want: Fail, says: []string{"1 credential", "AKIA…"}, e: func() evidence.Evidence {
		s := rsaKey
		s.Owner = "node:tunnel"
		return credentials(s, awsKey)
	}()},
	{name: "Debian's throwaway key", c: goodContract(), want: Pass, says: []string{"throwaway"}, e: func() evidence.Evidence {
		s := rsaKey
		s.Path = "/etc/ssl/private/ssl-cert-snakeoil.key"
		return credentials(s)
	}()},
	{name: "allowed", c: contract.Contract{Secrets: contract.Secrets{Allow: []string{"/app/testdata", "*.example"}}}, want: Pass,
		says: []string{"secrets.allow names *.example, where nothing looks like a credential any more"}, hides: []string{"names /app/testdata"}, e: func() evidence.Evidence {
			s := awsKey
			s.Path = "/app/testdata/aws/credentials"
			return credentials(s)
		}()},
	{name: "inside of an archive", c: goodContract(), want: Fail, says: []string{"/app/app.jar!/application.yml:2", "in /app/app.jar!/application.yml"}, e: func() evidence.Evidence {
		s := awsKey
		s.Path, s.Inside = "/app/app.jar", "/application.yml"
		return credentials(s)
	}()},
	{name: "allowed inside of an archive", c: contract.Contract{Secrets: contract.Secrets{Allow: []string{"/app/app.jar/application.yml"}}}, want: Pass, e: func() evidence.Evidence {
		s := awsKey
		s.Path, s.Inside = "/app/app.jar", "/application.yml"
		return credentials(s)
	}()},
	{name: "archives that nobody looked into", c: goodContract(), want: Pass, says: []string{"but for 4 archives that nobody looked into", "/app/x.7z", "3 archives not looked into: inside of another archive"},
		e: fileImage(func(i *evidence.Image) {
			i.Unopened = []evidence.Unopened{{Path: "/app/x.7z", Layer: 1, Why: "in a form", Count: 1, Reach: evidence.Reachable}, {Path: "/app/all.zip", Layer: 1, Why: "inside of another archive", Count: 3, Reach: evidence.Reachable}}
		})},
	{name: "a package's archive that nobody looked into", c: goodContract(), want: Pass, hides: []string{"but for"}, e: fileImage(func(i *evidence.Image) {
		i.Unopened = []evidence.Unopened{{Path: "/usr/share/x.xz", Layer: 1, Why: "in a form", Count: 1, Owner: "debian:x", Reach: evidence.Reachable}}
	})},
	{name: "bodies were skipped", c: goodContract(), want: Pass, says: []string{"1 layer known from an earlier run", "not looked into: 12 (binary), 1 (larger than 10 MiB)"}, e: image(func(i *evidence.Image) {
		i.Read = &evidence.ReadStats{LayersReused: 1, Skipped: map[string]int{"larger than 10 MiB": 1, "binary": 12}}
	})},
	{name: "only the configuration was read", c: goodContract(), e: unread(), want: Inconclusive, says: []string{"not its layers"}},
	{name: "kept by an earlier podproof", c: goodContract(), e: oldRead(), want: Inconclusive, says: []string{"did not look through"}},
	{name: "not observed", c: goodContract(), e: noImage(), want: Inconclusive},
}
