package fabricnet

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Dump ends those of the named orderers that run, also paused ones, and returns a file for each with the stacks of its
// goroutines. Where they wait shows why the orderer stood still.
func (n *Network) Dump(names ...string) (files []string, err error) {
	err = n.change(func() error {
		var faults []error
		for _, name := range names {
			file, err := n.dump(name)
			if err != nil {
				faults = append(faults, fmt.Errorf("stacks of %s: %w", name, err))
			}
			if file != "" {
				files = append(files, file)
			}
		}
		return errors.Join(append(faults, n.save())...)
	})
	return files, err
}

// dump ends an orderer by SIGQUIT, at which the runtime of Go writes the stacks, also if no goroutine can run. It returns
// "" if the orderer does not run.
func (n *Network) dump(name string) (file string, err error) {
	o, err := n.Orderer(name)
	if err != nil || o.PID == 0 {
		return "", err
	}
	if err := n.endWhole(name, syscall.SIGQUIT); err != nil {
		return "", err
	}
	delete(n.processes, name)
	return cutStacks(n.path(o.Log))
}

// cutStacks moves the stacks that end a log to a file of their own: what a process writes on a crash is not in the log of
// one that was asked for its stacks.
func cutStacks(log string) (file string, err error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	at := bytes.LastIndex(text, []byte("SIGQUIT: quit\n"))
	if at < 0 {
		return "", fmt.Errorf("%s has none", log)
	}
	file = strings.TrimSuffix(log, filepath.Ext(log)) + ".goroutines"
	if err := os.WriteFile(file, text[at:], 0o644); err != nil {
		return "", err
	}
	return file, os.Truncate(log, int64(at))
}
