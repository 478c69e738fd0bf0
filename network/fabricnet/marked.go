package fabricnet

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Every process of a network, and every process that one starts, has these in its
// environment: the network's folder, and the name of the process. So they are found
// whatever is left of the state, and nobody else's process is taken for one.
const (
	folderMark = "FABRIC_KAFKA_NETWORK_DIR="
	nameMark   = "FABRIC_KAFKA_NETWORK_PROCESS="
)

// mark is a process of a network as its environment has it.
type mark struct {
	process
	name  string
	leads bool // it is the one that the network started, not a child of that
}

// marked finds the processes of the network in a folder that run, of those whose
// environment the caller may read.
func marked(dir string) (all []mark, err error) {
	pids, err := pids()
	for _, pid := range pids {
		if pid == os.Getpid() {
			continue
		}
		p := processOf(pid) // before its environment: the one read is then this one's, if it is alive behind that
		folder, name := marksOf(environ(pid))
		if folder != dir || !p.alive() {
			continue
		}
		session, err := unix.Getsid(pid)
		all = append(all, mark{p, name, err == nil && session == pid})
	}
	return all, err
}

func marksOf(environment []string) (folder, name string) {
	for _, v := range environment {
		if s, ok := strings.CutPrefix(v, folderMark); ok {
			folder = s
		}
		if s, ok := strings.CutPrefix(v, nameMark); ok {
			name = s
		}
	}
	return folder, name
}
