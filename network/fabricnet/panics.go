package fabricnet

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// crash is how a Go program begins what it writes when it ends by a panic, by a
// fault of its runtime, or when the race detector has found something.
var crash = regexp.MustCompile(`^(panic: |fatal error: |SIG[A-Z]+: |unexpected fault address|WARNING: DATA RACE)`)

// Logs are how far the logs of a network's processes have been looked at.
type Logs struct {
	network *Network
	seen    map[string]int64 // bytes of each file
}

// Logs returns the logs of all processes, what they hold now left out.
func (n *Network) Logs() (*Logs, error) {
	l := &Logs{n, map[string]int64{}}
	for _, name := range n.names() {
		info, err := os.Stat(n.path(logFile(name)))
		switch {
		case err == nil:
			l.seen[name] = info.Size()
		case !errors.Is(err, os.ErrNotExist): // it has never run
			return nil, err
		}
	}
	return l, nil
}

// Panics returns the processes that have panicked since the last call, with the
// line that says so. A process that was to end may panic while it does: nothing
// else tells of it.
func (l *Logs) Panics() (found []string, err error) {
	for _, name := range l.network.names() {
		line, err := l.look(name)
		if err != nil {
			return found, err
		}
		if line != "" {
			found = append(found, fmt.Sprintf("%s: %s", name, line))
		}
	}
	return found, nil
}

// look returns the first line of a log, behind what was seen, that a crash begins with.
func (l *Logs) look(name string) (first string, err error) {
	f, err := os.Open(l.network.path(logFile(name)))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := f.Seek(l.seen[name], io.SeekStart); err != nil {
		return "", err
	}
	in := bufio.NewReader(f)
	for {
		line, err := in.ReadString('\n')
		if crash.MatchString(line) {
			first = cmp.Or(first, strings.TrimSpace(line))
		} else if errors.Is(err, io.EOF) {
			return first, nil // the rest of the line is to come
		}
		l.seen[name] += int64(len(line))
		if errors.Is(err, io.EOF) {
			return first, nil
		}
		if err != nil {
			return first, err
		}
	}
}
