package fabricnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
)

const (
	stateFile      = "state.json"
	descriptorFile = "network.json"
)

// state is the content of state.json.
type state struct {
	Options   Options            `json:"options"`
	Processes map[string]process `json:"processes"`
}

// ErrNone is returned for a folder without a network.
var ErrNone = errors.New("there is no network here; start one with: go run ./network up")

// Open returns the network of a folder, running or not.
func Open(dir string) (*Network, error) {
	n, err := at(dir)
	if err != nil {
		return nil, err
	}
	return n, n.load()
}

// at returns a network of which only the folder is known.
func at(dir string) (*Network, error) {
	path, err := canonical(dir)
	return &Network{options: Options{Dir: dir, Progress: io.Discard}, dir: path, processes: map[string]process{}}, err
}

// canonical returns the absolute path of a folder, which need not exist, without symbolic
// links: it identifies the network's processes.
func canonical(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for rest, missing := abs, ""; ; rest, missing = filepath.Dir(rest), filepath.Join(filepath.Base(rest), missing) {
		if real, err := filepath.EvalSymlinks(rest); err == nil || rest == filepath.Dir(rest) {
			return filepath.Join(real, missing), err
		}
	}
}

// load reads the state, and adds processes that are missing from it because the command
// that started them ended before it could save their pids.
func (n *Network) load() error {
	s, err := n.read()
	switch {
	case errors.Is(err, os.ErrNotExist) && !holdsNetwork(n.dir):
		return fmt.Errorf("%s: %w", n.options.Dir, ErrNone)
	case err != nil:
		return fmt.Errorf("the state of the network is lost: %w; end it with: go run ./network down --dir %s", err, n.dir)
	}
	s.Options.Dir, s.Options.Progress = n.options.Dir, n.options.Progress
	if n.options, n.processes = s.Options, s.Processes; n.processes == nil {
		n.processes = map[string]process{}
	}
	return n.adopt()
}

// read reads the state file.
func (n *Network) read() (s state, err error) {
	text, err := os.ReadFile(n.path(stateFile))
	if err != nil {
		return s, err
	}
	if err = json.Unmarshal(text, &s); err == nil {
		err = s.Options.validate()
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", n.path(stateFile), err)
	}
	return s, nil
}

// adopt adds running processes of the network that are missing from the state.
func (n *Network) adopt() error {
	found, err := marked(n.dir)
	for _, m := range found {
		if m.leads && slices.Contains(n.names(), m.name) && !n.processes[m.name].alive() {
			n.processes[m.name] = m.process
		}
	}
	return err
}

// save writes both files.
func (n *Network) save() error {
	if err := WriteJSON(n.path(stateFile), state{n.options, n.processes}); err != nil {
		return err
	}
	return WriteJSON(n.path(descriptorFile), n.Descriptor())
}

// WriteJSON atomically replaces a file with v as JSON.
func WriteJSON(file string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// holdsNetwork reports whether a folder belongs to a network: one of the lock, the state and
// the descriptor suffices.
func holdsNetwork(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, lockFile))
	if err == nil && len(text) >= len(lockMark) && string(text[:len(lockMark)]) == lockMark {
		return true
	}
	var s state
	if text, err = os.ReadFile(filepath.Join(dir, stateFile)); err == nil && json.Unmarshal(text, &s) == nil && s.Options.validate() == nil {
		return true
	}
	var d Descriptor
	text, err = os.ReadFile(filepath.Join(dir, descriptorFile))
	return err == nil && json.Unmarshal(text, &d) == nil && len(d.Orderers) > 0 && len(d.Brokers) > 0
}
