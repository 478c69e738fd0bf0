package fabricnet

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Every process of a network, and each of its children, has these variables in its
// environment: the network's folder, and the name of the process. So the processes are
// found even if the state is lost, and no other process is mistaken for one of them.
const (
	folderMark = "FABRIC_KAFKA_NETWORK_DIR="
	nameMark   = "FABRIC_KAFKA_NETWORK_PROCESS="
)

// mark is a process of a network as identified by its environment.
type mark struct {
	process
	name  string
	leads bool // started by the network itself, not a child of such a process
}

// marked returns the running processes of the network in a folder, as far as the caller
// may read their environment.
func marked(dir string) (all []mark, err error) {
	pids, err := pids()
	for _, pid := range pids {
		if pid == os.Getpid() {
			continue
		}
		p := processOf(pid) // before reading the environment: if the process is still alive afterwards, the environment is its own
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
