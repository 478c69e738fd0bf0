package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Result is what one step measured, or why it failed.
type Result struct {
	Case    Case               `json:"case"`
	Side    string             `json:"side"`
	Round   int                `json:"round"`
	Values  map[string]float64 `json:"values,omitempty"` // by [Measure.Key]
	Failed  string             `json:"failed,omitempty"`
	Notes   []string           `json:"notes,omitempty"` // what was not measured, and why
	Seconds float64            `json:"seconds"`         // that the step took, with its preparation
	Load    string             `json:"load"`            // load averages at its end
}

// Settings are what a run was asked for.
type Settings struct {
	Sides    []Side            `json:"sides"`
	Versions map[string]string `json:"versions"` // of orderers, by side
	Commit   string            `json:"commit"`
	Go       string            `json:"go"`
	GOGC     int               `json:"gogc"`
	Rounds   int               `json:"rounds"`
	Cases    []string          `json:"cases"`
	Seconds  int               `json:"seconds"`
	Size     int               `json:"size"`
	Streams  int               `json:"streams"`
	Replayed int               `json:"replayed"`
	Timeout  string            `json:"batchTimeout"`
	Kafka    string            `json:"kafka"`
	Cores    string            `json:"cores"` // of pinned cases
	Machine  Machine           `json:"machine"`
}

// line is one line of a file of results.
type line struct {
	Settings *Settings `json:"settings,omitempty"` // the first line, and again where a run was resumed
	Result   *Result   `json:"result,omitempty"`
	End      *Machine  `json:"end,omitempty"` // the last line of a run that was not interrupted
}

// Run is what a file of results holds.
type Run struct {
	Settings Settings
	Results  []Result
	End      *Machine // nil for an interrupted run
}

// Load reads a file of results. An incomplete last line, of a run that was killed, is left out.
func Load(file string) (Run, error) {
	f, err := os.Open(file)
	if err != nil {
		return Run{}, err
	}
	defer f.Close()
	r, err := read(f)
	if err != nil {
		return r, fmt.Errorf("%s: %w; name a file that bench wrote", file, err)
	}
	return r, nil
}

func read(in io.Reader) (r Run, err error) {
	lines := bufio.NewReader(in)
	begun := false
	for number := 1; ; number++ {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r, err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return r, fmt.Errorf("line %d: %w", number, err)
		}
		switch {
		case l.Settings != nil && !begun:
			r.Settings, begun = *l.Settings, true
		case l.Settings != nil:
			r.Settings.extend(*l.Settings)
		case l.Result != nil:
			r.Results = append(r.Results, *l.Result)
		}
		r.End = l.End
	}
	if !begun {
		return r, errors.New("it has no settings")
	}
	return r, nil
}

// extend adds the sides, cases and rounds with which a run was resumed.
func (s *Settings) extend(by Settings) {
	for _, side := range by.Sides {
		if !slices.Contains(s.Sides, side) {
			s.Sides = append(s.Sides, side)
			s.Versions[side.Name] = by.Versions[side.Name]
		}
	}
	for _, c := range by.Cases {
		if !slices.Contains(s.Cases, c) {
			s.Cases = append(s.Cases, c)
		}
	}
	s.Rounds = max(s.Rounds, by.Rounds)
	if by.Commit != s.Commit {
		s.Commit += ", resumed at " + by.Commit
	}
}

// has reports whether a step has been measured; one that failed is measured again.
func (r Run) has(s Step) bool {
	for _, x := range r.Results {
		if x.Case == s.Case && x.Side == s.Side.Name && x.Round == s.Round && x.Failed == "" {
			return true
		}
	}
	return false
}

// results appends lines to a file, each at once.
type results struct{ file *os.File }

// openResults opens a file of results: an existing one is continued after its last complete line, or replaced.
func openResults(file string, resume bool) (*results, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	keep := 0
	if resume {
		text, err := io.ReadAll(f)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		keep = bytes.LastIndexByte(text, '\n') + 1
	}
	_, err = f.Seek(int64(keep), io.SeekStart)
	return &results{f}, errors.Join(err, f.Truncate(int64(keep)))
}

func (r *results) add(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = r.file.Write(append(text, '\n'))
	return err
}

func (r *results) close() error { return r.file.Close() }
