package node

import "testing"

const mountinfo = `1041 960 0:72 / / rw,relatime - overlay overlay rw,lowerdir=/l/1:/l/2,upperdir=/var/lib/snap/9/fs,workdir=/w
1042 1041 0:75 / /proc rw,nosuid - proc proc rw
1043 1041 0:76 / /with\040space rw,nosuid shared:7 - tmpfs  rw,size=64k
`

func TestProcesses(t *testing.T) {
	for version, group := range map[string]string{"v1": onV1(id), "v2": onV2(id)} {
		t.Run(version, func(t *testing.T) {
			tr := plant(t)
			status := "Name:\tapi\nState:\tS (sleeping)\nUid:\t1001\t1001\t1001\t1001\nNSpid:\t9\t1\nNoNewPrivs:\t1\n"
			tr.process(9, group, map[string]string{"status": status, "cmdline": "/api\x00--key=a b\x00set -e\nexec\x00", "mountinfo": mountinfo})
			tr.process(80, group, nil) // it ended while it was read
			tr.process(81, onV2(other), map[string]string{"status": status})
			want := "process\nCmdline:\t\nMounts:\t\n" +
				"process\n" + status + "Cmdline:\t/api\x1f--key=a b\x1fset -e\x1eexec\x1f\nMounts:\t/ /proc /with\\040space \n"
			if got := tr.says("processes", id); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if got := tr.says("processes", "0123456789ab"); got != "" {
				t.Errorf("of a container that is not there: %q", got)
			}
		})
	}
}
