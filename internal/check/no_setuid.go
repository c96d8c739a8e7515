package check

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var noSetuid = Check{
	ID:    "image/no-setuid",
	Title: "No program gives its caller more rights, beyond what the distribution ships",
	Why: "A set-uid program or one with file capabilities is how an intruder becomes root from an unprivileged process. " +
		"Those of a distribution are reviewed and patched; one's own are not.",
	Fix: "Take the bits away (RUN chmod a-s FILE, setcap -r FILE), or name the program in the contract's files.allow. In pods " +
		"allowPrivilegeEscalation: false makes them without effect.",
	Story:   Minimal,
	Needs:   []evidence.Section{evidence.SectionImage},
	ByPlace: true,
	At:      []Spot{theStage, inContainer("image")},
	Judge:   judgeNoSetuid,
}

func judgeNoSetuid(c contract.Contract, e evidence.Evidence) Judgement {
	j, img := filesOf(e, "no set-uid or set-gid file and no file capability in the final file system, but those of the distribution's own packages")
	if img == nil {
		return j
	}
	where, allowed := placesOf(*img), contract.NewPaths(c.Files.Allow)
	var faults, shipped []string
	for _, f := range img.Privileged {
		if pattern, _ := allowed.Match(f.Path); pattern != "" {
			continue
		}
		by := givenBy(*img, f)
		if by == "" && (f.Owner != "" || ofDistribution(f.Path)) {
			name := f.Path
			if f.Owner != "" {
				name += " (" + f.Owner + ")"
			}
			shipped = append(shipped, name)
			continue
		}
		faults = append(faults, f.Path)
		j.brokenAt(where.final(f.Path, f.Layer), "%s%s", rightsWords(f), by)
	}
	if len(shipped) > 0 {
		j.detail(img.Ref, "%s of the distribution's own: %s", count(len(shipped), "such file"), list(shipped))
	}
	if len(faults) > 0 {
		return j.fail(fmt.Sprintf("%s: %s", count(len(faults), "file")+" of the image's own", brief(list(faults), 200)), "")
	}
	if len(shipped) > 0 {
		return j.pass("No set-uid files of its own OK", fmt.Sprintf("none but %s of the distribution's", count(len(shipped), "file")))
	}
	return j.pass("No set-uid files OK", "none")
}

func rightsWords(f evidence.PrivilegedFile) string {
	var words []string
	// The leading digit holds set-uid (4) and set-gid (2).
	if len(f.Mode) >= 4 {
		switch bits := f.Mode[len(f.Mode)-4]; {
		case bits&6 == 6:
			words = append(words, fmt.Sprintf("it runs as UID %d and GID %d, whoever calls it (mode %s)", f.UID, f.GID, f.Mode))
		case bits&4 != 0:
			words = append(words, fmt.Sprintf("it runs as UID %d, whoever calls it (mode %s)", f.UID, f.Mode))
		case bits&2 != 0:
			words = append(words, fmt.Sprintf("it runs as GID %d, whoever calls it (mode %s)", f.GID, f.Mode))
		}
	}
	if f.Capabilities != "" {
		words = append(words, "it has the capabilities "+f.Capabilities)
	}
	if len(words) == 0 {
		return "mode " + f.Mode
	}
	return strings.Join(words, "; ")
}

// grants is a command that gives rights: chmod with the set-uid or set-gid bit, setcap.
var grants = regexp.MustCompile(`\b(?:chmod\s+(?:-\S+\s+)*(?:\S*[+=][rwxX]*s\S*|0?[2-7][0-7]{3})|setcap\s+(?:-[^r]\S*\s+)*[^-\s]\S*)\s+([^;&|]*)`)

// givenBy says that the instruction of the file's layer gave it its rights itself, which no
// package's database can vouch for; empty where it did not.
func givenBy(img evidence.Image, f evidence.PrivilegedFile) string {
	if f.Layer < 0 || f.Layer >= len(img.Layers) {
		return ""
	}
	for _, m := range grants.FindAllStringSubmatch(img.Layers[f.Layer].CreatedBy, -1) {
		for _, name := range strings.Fields(m[1]) {
			if name = strings.Trim(name, `"'`); name == f.Path || path.Base(name) == path.Base(f.Path) {
				return ", and its instruction gave it that"
			}
		}
	}
	return ""
}

var (
	systemBin = regexp.MustCompile(`^(?:/usr)?/(?:bin|sbin|lib|lib64|libexec)/`)
	// distributions ship these with the bits; their database may not be at hand (RPM's is not read).
	shippedSetuid = set("su sudo sudoedit mount umount fusermount fusermount3 mount.nfs passwd chsh chfn newgrp gpasswd chage expiry sg " +
		"pam_timestamp_check unix_chkpwd unix_update userhelper usernetctl utempter write write.ul wall bsd-write ssh-agent ssh-keysign " +
		"dbus-daemon-launch-helper pkexec polkit-agent-helper-1 crontab at screen newuidmap newgidmap ping ping6 arping clockdiff " +
		"mtr-packet traceroute6.iputils locate mlocate plocate slocate bbsuid dotlockfile grub2-set-bootflag gst-ptp-helper lockdev")
)

func ofDistribution(p string) bool {
	return systemBin.MatchString(p) && shippedSetuid[path.Base(p)]
}
