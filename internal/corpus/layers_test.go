package corpus

import "strings"

// netrc is the file whose way through the layers is followed.
func netrc(r *recipe, name string) file {
	return text(name, "machine git.acme.io login ci password "+r.secret("9c1b77aa41")+"\n")
}

const historyOnly = "history only"

var long = "app/" + strings.Repeat("a-folder-with-a-long-name/", 12) + ".netrc"

var layerTruths = []specimen{
	{planted: "a secret that a later layer deleted", fails: []string{layers}, at: []string{"/root/.netrc", "layer 5", "RUN make login", historyOnly}, plant: func(r *recipe) {
		r.run("make login", netrc(r, "root/.netrc"))
		r.run("rm /root/.netrc", gone("root/.netrc"))
	}},
	{planted: "a secret that a later layer overwrote", fails: []string{layers}, at: []string{"/root/.netrc", "layer 5", historyOnly}, plant: func(r *recipe) {
		r.run("make login", netrc(r, "root/.netrc"))
		r.run("truncate -s 0 /root/.netrc", text("root/.netrc", ""))
	}},
	{planted: "a secret whose folder was deleted", fails: []string{layers}, at: []string{"/root/.netrc", historyOnly}, plant: func(r *recipe) {
		r.run("make login", netrc(r, "root/.netrc"))
		r.run("rm -r /root", gone("root"))
	}},
	{planted: "a secret in a folder that became opaque", fails: []string{layers}, at: []string{"/root/.netrc", historyOnly}, plant: func(r *recipe) {
		r.run("make login", netrc(r, "root/.netrc"))
		r.run("rm -r /root && mkdir /root", file{Name: "root/"}, text("root/.wh..wh..opq", ""), text("root/.profile", ""))
	}},
	{planted: "a secret beside an opaque marker of its own layer", fails: []string{layers}, at: []string{"/root/.netrc", "layer 5", "reachable"}, plant: func(r *recipe) {
		r.run("make login", text("root/.wh..wh..opq", ""), netrc(r, "root/.netrc"))
	}},
	{planted: "a secret in a folder that became a link", fails: []string{layers}, at: []string{"/root/.netrc", historyOnly}, plant: func(r *recipe) {
		r.run("make login", netrc(r, "root/.netrc"))
		r.run("mv /root /home && ln -s /home /root", link("root", "home"))
	}},
	{planted: "a secret in a folder that became a file", fails: []string{layers}, at: []string{"/root/.netrc", historyOnly}, plant: func(r *recipe) {
		r.run("make login", netrc(r, "root/.netrc"))
		r.run("rm -r /root && touch /root", text("root", ""))
	}},
	{planted: "a secret that was deleted, and came back", fails: []string{layers}, at: []string{"/root/.netrc", "layer 7", "reachable"}, plant: func(r *recipe) {
		f := netrc(r, "root/.netrc")
		r.run("make login", f)
		r.run("rm /root/.netrc", gone("root/.netrc"))
		r.run("make login", f)
	}},
	{planted: "a secret in a layer that occurs twice, deleted between", fails: []string{layers}, at: []string{"/root/.netrc", "layer 5", historyOnly}, plant: func(r *recipe) {
		f := netrc(r, "root/.netrc")
		r.run("make login", f)
		r.run("rm /root/.netrc", gone("root/.netrc"))
		r.run("make login", f)
		r.run("rm /root/.netrc", gone("root/.netrc"))
	}},
	{planted: ".env that is a hard link to a hashed file", fails: []string{leaks, layers}, at: []string{"/app/.env", "reachable"}, plant: func(r *recipe) {
		r.run("uv sync", text("root/.cache/uv/objects/6f0a", "DB_PASSWORD="+r.secret("hunter2-4711")+"\n"), hardlink("app/.env", "root/.cache/uv/objects/6f0a"))
	}},
	{planted: "a hard link to a key whose first name was deleted", fails: []string{layers}, at: []string{"/srv/tls", "reachable"}, plant: func(r *recipe) {
		r.copy("tls.key /app", text("app/tls.key", privateKey("PRIVATE KEY", 80)(r)), hardlink("srv/tls", "app/tls.key"))
		r.run("rm /app/tls.key", gone("app/tls.key"))
	}},
	{planted: "a secret by a name that PAX has", fails: []string{layers}, at: []string{"/" + long}, plant: func(r *recipe) { r.run("make login", netrc(r, long)) }},
	{planted: "a secret by a name with ./ and ../", fails: []string{layers}, at: []string{"/root/.netrc", "reachable"}, plant: func(r *recipe) {
		r.run("make login", netrc(r, "./app/../root/./.netrc"))
	}},
	{planted: "a secret by a name with / before it, deleted by one without", fails: []string{layers}, at: []string{"/root/.netrc", historyOnly}, plant: func(r *recipe) {
		r.run("make login", netrc(r, "/root/.netrc"))
		r.run("rm /root/.netrc", gone("root/.netrc"))
	}},
	{planted: "a secret in an image without history", fails: []string{layers}, at: []string{"/root/.netrc", "layer 5 of 5"}, plant: func(r *recipe) {
		r.run("make login", netrc(r, "root/.netrc"))
		r.noHistory = true
	}},
	{planted: "two files of one name in a layer, the later one empty", fails: []string{layers}, at: []string{"/root/.netrc", "layer 5"}, plant: func(r *recipe) {
		r.run("make login", netrc(r, "root/.netrc"), text("root/.netrc", ""))
	}},

	{planted: "a whiteout of a file that never was", like: layers, plant: func(r *recipe) { r.run("rm -f", gone("root/.netrc"), gone("root/.aws")) }},
	{planted: "AUFS's own bookkeeping", like: layers, plant: func(r *recipe) { r.run("true", text(".wh..wh.aufs", ""), text(".wh..wh.plnk/.x", "")) }},
	{planted: "a layer without a file", like: layers, plant: func(r *recipe) { r.run("true") }},
}
