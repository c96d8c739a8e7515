package corpus

import (
	"archive/zip"
	"bytes"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"podproof.dev/podproof/internal/collect/image/imagetest"
)

// zipped makes a zip file, as jars, wars and wheels are.
func zipped(r *recipe, method uint16, files ...file) string {
	r.t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		e, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: method})
		if err == nil {
			_, err = e.Write([]byte(f.Body))
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zstandard(s string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(s), nil))
}

// inZip is an image with a zip file that holds one file beside a manifest.
func inZip(name, inner string, of func(r *recipe) string) func(*recipe) {
	return func(r *recipe) {
		r.copy(". .", text(name, zipped(r, zip.Deflate, text("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"), text(inner, of(r)))))
	}
}

var springPassword = with("spring:\n  datasource:\n    username: shop\n    password: ", "Tr0ub4dor-x9", "\n")

var secretsInArchives = []specimen{
	{planted: "a password in a jar's settings", fails: []string{layers}, at: []string{"/app/app.jar!/BOOT-INF/classes/application.yml:4", "layer 5", "reachable", "password"},
		plant: inZip("app/app.jar", "BOOT-INF/classes/application.yml", springPassword)},
	{planted: "a password in the settings of a jar that is a script, too", fails: []string{layers}, at: []string{"/app/app.jar!/BOOT-INF/classes/application.yml:4"}, plant: func(r *recipe) {
		r.copy("app.jar /app", exe("app/app.jar", "#!/bin/bash\nexec java -jar \"$0\" \"$@\"\n"+zipped(r, zip.Deflate, text("BOOT-INF/classes/application.yml", springPassword(r)))))
	}},
	{planted: "a password in the settings of the image's own jar, beside its libraries", fails: []string{layers}, plant: inZip("app/lib/shop-1.0.jar", "application.properties", with("spring.datasource.password=", "Tr0ub4dor-x9", "\n"))},
	{planted: "a password in a war", fails: []string{layers}, at: []string{"ROOT.war!/META-INF/context.xml"},
		plant: inZip("usr/local/tomcat/webapps/ROOT.war", "META-INF/context.xml", with("<Context><Resource name=\"jdbc/shop\" username=\"shop\" password=\"", "Tr0ub4dor-x9", "\"/></Context>\n"))},
	{planted: "settings in a wheel", fails: []string{layers}, plant: inZip("app/shop-1.0-py3-none-any.whl", "shop/settings.py", with("DB_PASSWORD = '", "hunter2-qq", "'\n"))},
	{planted: "a key in a zip file without compression", fails: []string{layers}, plant: func(r *recipe) {
		r.copy(". .", text("app/certs.zip", zipped(r, zip.Store, text("a.txt", "a"), text("certs/tls.key", privateKey("RSA PRIVATE KEY", 110)(r)))))
	}},
	{planted: ".env in a backup", fails: []string{layers}, at: []string{"/app/backup.tar.gz!/srv/.env:1"}, plant: func(r *recipe) {
		r.copy(". .", text("app/backup.tar.gz", gzipped(string(imagetest.Tar(r.t, text("srv/.env", "DB_PASSWORD="+r.secret("hunter2-4711")+"\n"))))))
	}},
	{planted: ".env in a tar file", fails: []string{layers}, plant: func(r *recipe) {
		r.copy(". .", text("app/backup.tar", string(imagetest.Tar(r.t, text("srv/.env", "DB_PASSWORD="+r.secret("hunter2-4711")+"\n")))))
	}},
	{planted: ".env in a tar file of zstd", fails: []string{layers}, plant: func(r *recipe) {
		r.copy(". .", text("app/backup.tzst", zstandard(string(imagetest.Tar(r.t, text("srv/.env", "DB_PASSWORD="+r.secret("hunter2-4711")+"\n"))))))
	}},
	{planted: "a token in a dump that is compressed", fails: []string{layers}, at: []string{"/app/dump.sql.gz!/dump.sql:"}, plant: func(r *recipe) {
		r.copy(". .", text("app/dump.sql.gz", gzipped(mixed(111, far)+"\n"+r.secret(githubToken())+"\n"+mixed(112, far))))
	}},
	{planted: "a secret in an archive that was deleted", fails: []string{layers}, at: []string{"/app/backup.tar.gz!/.env:1", historyOnly}, plant: func(r *recipe) {
		r.copy(". .", text("app/backup.tar.gz", gzipped(string(imagetest.Tar(r.t, text(".env", "DB_PASSWORD="+r.secret("hunter2-4711")+"\n"))))))
		r.run("rm /app/backup.tar.gz", gone("app/backup.tar.gz"))
	}},
	{planted: "settings in UTF-16 in a zip file", fails: []string{layers}, plant: inZip("app/site.zip", "appsettings.json", func(r *recipe) string {
		return wide(with(`{"Smtp":{"Password":"`, "Tr0ub4dor-x9", `"}}`)(r), true, false)
	})},
}

var harmlessArchives = []specimen{
	{planted: "a library's test key in a jar of its own, inside of the program's", like: layers, at: []string{"libraries inside of an archive"}, plant: func(r *recipe) {
		netty := zipped(r, zip.Deflate, text("io/netty/handler/ssl/test.pem", pemOf("RSA PRIVATE KEY", 113)))
		r.copy(". .", text("app/app.jar", zipped(r, zip.Store, text("BOOT-INF/lib/netty-handler.jar", netty))))
	}},
	{planted: "a library's test key in its jar", like: layers, at: []string{"java:netty-handler"}, plant: inZip("app/lib/netty-handler-4.1.100.Final.jar", "io/netty/handler/ssl/test.pem",
		func(*recipe) string { return pemOf("RSA PRIVATE KEY", 114) })},
	{planted: "settings of a jar that refer to their secrets", like: layers, plant: inZip("app/app.jar", "BOOT-INF/classes/application.yml", func(*recipe) string {
		return "spring:\n  datasource:\n    password: ${DB_PASSWORD}\n    url: jdbc:postgresql://db/shop\n"
	})},
	{planted: "a changelog that was compressed, where a system keeps texts for people", like: layers, plant: copies(
		text("usr/local/share/doc/poppler/changelog.gz", gzipped("  at main\nownerPassword=ownerPassword@entry=0x1165830,\n")))},
	{planted: "an archive in an archive, which is told", like: layers, at: []string{"/app/all.zip", "inside of another archive"}, plant: func(r *recipe) {
		inner := zipped(r, zip.Deflate, text(".env", "DB_PASSWORD=hunter2-4711\n"))
		r.copy(". .", text("app/all.zip", zipped(r, zip.Deflate, text("inner.zip", inner))))
	}},
	{planted: "an archive that unpacks to too much, which is told", like: layers, at: []string{"/app/zeros.gz", "not looked into", "larger"}, plant: func(r *recipe) {
		r.copy(". .", text("app/zeros.gz", gzipped(strings.Repeat("\x00", 40<<20))))
	}},
	{planted: "an archive of a form that nothing here opens, which is told", like: layers, at: []string{"/app/x.tar.xz", "not opened here"}, plant: copies(text("app/x.tar.xz", "\xfd7zXZ\x00\x00"))},
	{planted: "the packed texts of a distribution", like: layers, plant: func(r *recipe) {
		r.run("apt-get install x", text("usr/share/man/man1/x.1.gz", gzipped(".TH X 1\n--password: xK9-zz81-kk\n")), text("var/lib/dpkg/info/x.list", "/usr/share/man/man1/x.1.gz\n"))
	}},
}
