package node

import "testing"

const (
	tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0
   1: 0700F40A:1F90 0500F40A:9C40 01 00000000:00000000 00:00000000 00000000     0        0 12346 1 0000000000000000 20 4 30 10 -1
   2: 0700F40A:1F90 0600F40A:9C41 06 00000000:00000000 03:00000ABC 00000000     0        0 0 3 0000000000000000
`
	tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000700F40A:1F90 0000000000000000FFFF00000800F40A:9C42 01 00000000:00000000 00:00000000 00000000     0        0 12347 1 0000000000000000 20 4 30 10 -1
`
	silent = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
)

func TestSockets(t *testing.T) {
	for name, c := range map[string]struct {
		nets []map[string]string
		want string
	}{
		"both":             {[]map[string]string{{"net/tcp": tcp, "net/tcp6": tcp6}}, tcp + tcp6},
		"no IPv6":          {[]map[string]string{{"net/tcp": tcp}, {"net/tcp": silent}}, tcp},
		"one unreadable":   {[]map[string]string{{"net/tcp": silent, "net/tcp6/no": ""}, {"net/tcp": tcp, "net/tcp6": tcp6}}, tcp + tcp6},
		"an ended process": {[]map[string]string{{}, {"net/tcp": tcp, "net/tcp6": tcp6}}, tcp + tcp6},
		"only ended ones":  {[]map[string]string{{}, {}}, ""},
		"none":             {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tr := plant(t)
			for i, files := range c.nets {
				tr.process(20+i, onV2(id), files)
			}
			if got := tr.says("sockets", id); got != c.want {
				t.Errorf("%q", got)
			}
		})
	}
}
