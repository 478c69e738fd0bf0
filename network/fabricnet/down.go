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

// Halt ends every process, returns once nobody listens at their ports, and leaves the folder.
// A process that does not end stays in the state, and in the error.
func (n *Network) Halt() error {
	return n.change(n.halt)
}

// halt ends what the state has, then whatever else is the network's: children of its
// processes, and those that the state does not have.
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

// endOrder are the processes of the state: who needs others ends before them.
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
		err = end(syscall.SIGKILL) // the last ones of a cluster never end by themselves
	} else if err = end(syscall.SIGTERM); err != nil {
		err = end(syscall.SIGKILL)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func everyMark(mark) bool { return true }

// endMarked ends those that are marked as the network's until there is none, or none that can
// be ended.
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

// kept reports whether the state still has the process: it could not be ended.
func (n *Network) kept(p process) bool {
	return slices.Contains(slices.Collect(maps.Values(n.processes)), p)
}

// Down ends every process and removes the folder.
func (n *Network) Down() error {
	return n.takeDown(io.Discard)
}

// Down ends every process of the network in a folder, whatever is left of its state, and
// removes the folder. An error names what could not be ended; then the folder stays. What
// is odd is reported to w.
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
	fmt.Fprintf(w, "The state of the network in %s is lost; its processes still run.\n", dir)
	if err := n.endMarked(everyMark); err != nil {
		return err
	}
	if _, err := os.Stat(n.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("the processes of the network in %s are ended; nothing in the folder shows that it is a network's, so it is left: remove it by hand", dir)
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

// endAll is halt, with or without a state.
func (n *Network) endAll(w io.Writer) error {
	if _, err := n.read(); err != nil {
		fmt.Fprintf(w, "The state of the network is lost: %v. Its processes are looked for by their environment.\n", err)
		n.processes = map[string]process{}
		return n.endMarked(everyMark)
	}
	if err := n.load(); err != nil {
		return err
	}
	return n.halt()
}

// empty removes all that is in a folder but its lock.
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

// removeFolder removes a folder whose lock the caller holds, the lock last. Another
// network may then be raised there at once.
func removeFolder(dir string) error {
	if err := errors.Join(empty(dir), os.Remove(filepath.Join(dir, lockFile))); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EEXIST) {
		return err
	}
	return nil
}
