package fabricnet

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Halt ends every process, returns once their ports are free, and keeps the folder.
// A process that does not end stays in the state and is named in the error.
func (n *Network) Halt() error {
	return n.change(n.halt)
}

// halt ends the processes in the state, then all others of the network: children, and
// processes that are missing from the state.
func (n *Network) halt() error {
	var faults []error
	ended := map[string]process{}
	for _, name := range n.endOrder() {
		p := n.processes[name]
		ran := p.alive()
		if err := n.endNamed(name, p); err != nil {
			faults = append(faults, err)
			continue
		}
		if ran {
			ended[name] = p
		}
		delete(n.processes, name)
	}
	faults = append(faults, n.endMarked(everyMark))
	for name, p := range ended {
		faults = append(faults, n.released(name, p))
	}
	return errors.Join(append(faults, n.save())...)
}

// endOrder returns the processes in the state so that each ends before those it depends on.
func (n *Network) endOrder() []string {
	rank := func(name string) int {
		return slices.IndexFunc([]string{chaincodeName, "peer", "orderer", proxyName, brokerName, ""},
			func(kind string) bool { return strings.HasPrefix(name, kind) })
	}
	return slices.SortedFunc(maps.Keys(n.processes), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(b, a))
	})
}

func (n *Network) endNamed(name string, p process) error {
	end := func(s syscall.Signal) error { return n.end(p, s) }
	var err error
	if clustered := strings.HasPrefix(name, brokerName) && numberOf(name) > 0; clustered {
		err = end(syscall.SIGKILL) // without a quorum, nodes do not end on SIGTERM
	} else if err = end(syscall.SIGTERM); err != nil {
		err = end(syscall.SIGKILL)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func everyMark(mark) bool { return true }

// endMarked ends the selected processes that are marked as the network's, until none is left
// or none of those left can be ended.
func (n *Network) endMarked(which func(mark) bool) error {
	stays := map[process]error{}
	for {
		found, err := marked(n.dir)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(m mark) bool { return !which(m) || stays[m.process] != nil || n.kept(m.process) })
		if len(found) == 0 {
			return errors.Join(slices.Collect(maps.Values(stays))...)
		}
		for _, m := range found {
			if err := n.endNamed(m.name, m.process); err != nil {
				stays[m.process] = err
			}
		}
	}
}

// kept reports whether the process is still in the state because it could not be ended.
func (n *Network) kept(p process) bool {
	return slices.Contains(slices.Collect(maps.Values(n.processes)), p)
}

// Down ends every process and removes the folder.
func (n *Network) Down() error {
	return n.takeDown(io.Discard)
}

// Down ends every process of the network in a folder, whatever is left of its state, and
// removes the folder. If a process cannot be ended, the error names it and the folder is kept.
// Warnings are written to w.
func Down(dir string, w io.Writer) error {
	n, err := at(dir)
	if err != nil {
		return err
	}
	found, err := marked(n.dir)
	if err != nil {
		return err
	}
	ours := holdsNetwork(n.dir)
	if !ours && len(found) == 0 {
		return fmt.Errorf("%s: %w", dir, ErrNone)
	}
	if ours {
		return n.takeDown(w)
	}
	fmt.Fprintf(w, "The state of the network in %s is lost; its processes are still running.\n", dir)
	if err := n.endMarked(everyMark); err != nil {
		return err
	}
	if _, err := os.Stat(n.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("the processes of the network in %s are ended, but the folder is kept, since nothing in it shows that it is a network's: remove it by hand", dir)
}

func (n *Network) takeDown(w io.Writer) error {
	return n.exclusively(func() error {
		if err := n.endAll(w); err != nil {
			return err
		}
		if err := unmountLedgers(n.dir); err != nil {
			return err
		}
		return removeFolder(n.dir)
	})
}

// endAll is like halt, but also works without a readable state.
func (n *Network) endAll(w io.Writer) error {
	if _, err := n.read(); err != nil {
		fmt.Fprintf(w, "The state of the network is lost: %v. Its processes are found by their environment.\n", err)
		n.processes = map[string]process{}
		return n.endMarked(everyMark)
	}
	if err := n.load(); err != nil {
		return err
	}
	return n.halt()
}

// empty removes everything in a folder except its lock.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	faults := []error{err}
	for _, e := range entries {
		if e.Name() != lockFile {
			faults = append(faults, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(faults...)
}

// removeFolder removes a folder that the caller has locked, the lock last. Another
// network may then be started there at once.
func removeFolder(dir string) error {
	if err := errors.Join(empty(dir), os.Remove(filepath.Join(dir, lockFile))); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EEXIST) {
		return err
	}
	return nil
}
