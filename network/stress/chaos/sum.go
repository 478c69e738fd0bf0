package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/stress/history"
)

// Sum adds up the parts of a run that is too long for one process. Figures of different
// settings are not comparable, so each Settings has a line of its own.
type Sum struct {
	Format  string  `json:"format"`
	Version int     `json:"version"`
	Lines   []*Line `json:"lines"`
}

// Format and version in the file of a sum.
const (
	sumFormat  = "fabric-kafka chaos report"
	sumVersion = 1
)

// Settings are what the parts of one line have in common.
type Settings struct {
	Channel  string   `json:"channel"`
	Brokers  string   `json:"brokers"`  // how many, of which kind and version
	Orderers string   `json:"orderers"` // how many, of which build, with which settings
	Load     string   `json:"load"`
	Faults   []string `json:"faults"` // by name, sorted
	Seed     uint64   `json:"seed"`
}

func (s Settings) equal(o Settings) bool {
	return s.Channel == o.Channel && s.Brokers == o.Brokers && s.Orderers == o.Orderers && s.Load == o.Load &&
		s.Seed == o.Seed && slices.Equal(s.Faults, o.Faults)
}

// Line is the sum of the parts of the same settings, on one channel.
type Line struct {
	Settings Settings  `json:"settings"`
	Genesis  string    `json:"genesis"` // hash of the header of the channel's block 0
	Height   uint64    `json:"height"`  // of the channel after the last part
	Last     string    `json:"last"`    // hash of the header of its last block then
	Began    time.Time `json:"began"`   // start of the last part, so that no part is added twice
	Parts    int       `json:"parts"`
	Seconds  float64   `json:"seconds"` // of sending, in all parts

	Submitted    int `json:"submitted"`
	Acknowledged int `json:"acknowledged"`
	Refused      int `json:"refused"`
	Unknown      int `json:"unknown"`

	Gap    Longest            `json:"gap"`    // in which no client was acknowledged
	OneGap Longest            `json:"oneGap"` // in which one client was not, though it failed over
	After  map[string]Faulted `json:"after"`  // faults, by their name in a history

	Failed []Failure `json:"failed"` // parts that failed their check
}

// Longest is the longest wait of all parts.
type Longest struct {
	Seconds float64   `json:"seconds"`
	At      time.Time `json:"at"` // its start
}

func (l Longest) or(d time.Duration, at time.Time) Longest {
	if d.Seconds() > l.Seconds {
		return Longest{d.Seconds(), at}
	}
	return l
}

// Faulted sums up a fault over all parts.
type Faulted struct {
	Times   int     `json:"times"`
	Longest Longest `json:"longest"` // wait of one client after it
}

// Failure is a part that failed its check.
type Failure struct {
	Part   int       `json:"part"` // from 1
	Began  time.Time `json:"began"`
	Broken []string  `json:"broken"`
}

// Part is a completed part.
type Part struct {
	Settings Settings
	Events   []history.Event
	Report   history.Report // of the events
}

// ErrNotAdded is returned for a part that cannot be added to a sum.
var ErrNotAdded = errors.New("the part cannot be added to the report")

// Continues returns nil if a part with these settings may be added for the current
// channel; hash returns the hash of a block's header. It is called before the part is run.
func (s *Sum) Continues(settings Settings, hash func(number uint64) (string, error)) error {
	l := s.line(settings)
	if l == nil {
		return nil
	}
	for _, known := range []struct {
		number uint64
		hash   string
	}{{0, l.Genesis}, {l.Height - 1, l.Last}} {
		number, want := known.number, known.hash
		got, err := hash(number)
		if err != nil {
			return fmt.Errorf("%w: block %d of channel %q cannot be read: %w", ErrNotAdded, number, settings.Channel, err)
		}
		if got != want {
			return fmt.Errorf("%w: its block %d of channel %q is not that of the previous parts: the channel was recreated; "+
				"name another file with --report, or another --seed for a line of its own", ErrNotAdded, number, settings.Channel)
		}
	}
	return nil
}

func (s *Sum) line(settings Settings) *Line {
	for _, l := range s.Lines {
		if l.Settings.equal(settings) {
			return l
		}
	}
	return nil
}

// Add adds a part for which [Sum.Continues] returns nil, whether or not it failed its check.
func (s *Sum) Add(p Part) error {
	span, headers, err := p.read()
	if err != nil {
		return err
	}
	if err := s.Continues(p.Settings, headerIn(headers)); err != nil {
		return err
	}
	l := s.line(p.Settings)
	if l == nil {
		l = &Line{Settings: p.Settings, Genesis: headers[0], After: map[string]Faulted{}, Failed: []Failure{}}
	} else if !l.Began.Before(span.from) {
		return fmt.Errorf("%w: a part that began at %s is in it, this one began at %s", ErrNotAdded, l.Began.Format(time.RFC3339), span.from.Format(time.RFC3339))
	}
	l.add(p.Report, span)
	l.Height, l.Last = uint64(len(headers)), headers[len(headers)-1]
	if s.line(p.Settings) == nil {
		s.Lines = append(s.Lines, l)
	}
	return nil
}

func (l *Line) add(r history.Report, span span) {
	l.Began = span.from
	l.Parts++
	l.Seconds += span.to.Sub(span.from).Seconds()
	l.Submitted += r.Submitted
	l.Acknowledged += r.Acknowledged
	l.Refused += r.Refused
	l.Unknown += r.Unknown
	l.Gap, l.OneGap = l.Gap.or(r.Gap, r.GapAt), l.OneGap.or(r.OneGap, r.OneGapAt)
	for kind, w := range r.After {
		f := l.After[kind]
		l.After[kind] = Faulted{f.Times + w.Faults, f.Longest.or(w.Longest, w.At)}
	}
	if !r.Sound() {
		l.Failed = append(l.Failed, Failure{l.Parts, span.from, r.Broken})
	}
}

// span is the time of a part.
type span struct{ from, to time.Time }

// read returns the time of a part, and the header hashes of its longest ledger.
func (p Part) read() (s span, headers []string, err error) {
	of := map[string][]string{}
	for _, e := range p.Events {
		switch e.What {
		case history.Began:
			s.from = e.At
		case history.Ended:
			s.to = e.At
		case history.Block:
			of[e.Orderer] = append(of[e.Orderer], e.Header)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if len(of[name]) > len(headers) {
			headers = of[name]
		}
	}
	if s.from.IsZero() || s.to.Before(s.from) || len(headers) == 0 {
		return s, nil, fmt.Errorf("%w: its history has no beginning, no end, or no blocks", ErrNotAdded)
	}
	return s, headers, nil
}

func headerIn(headers []string) func(uint64) (string, error) {
	return func(number uint64) (string, error) {
		if number >= uint64(len(headers)) {
			return "", fmt.Errorf("there are %d blocks", len(headers))
		}
		return headers[number], nil
	}
}

// Sound reports whether every part passed its check.
func (s *Sum) Sound() bool {
	return !slices.ContainsFunc(s.Lines, func(l *Line) bool { return len(l.Failed) > 0 })
}

// ReadSum reads the file of a sum. A missing file is an empty sum; anything but a complete
// sum is an error.
func ReadSum(file string) (*Sum, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &Sum{Format: sumFormat, Version: sumVersion}, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := parseSum(text)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be continued and is not changed: %w; move it away, or name another file with --report", file, err)
	}
	return s, nil
}

func parseSum(text []byte) (*Sum, error) {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	switch err := json.Unmarshal(text, &head); {
	case err != nil:
		return nil, fmt.Errorf("it is not a chaos report, or is truncated: %w", err)
	case head.Format != sumFormat:
		return nil, fmt.Errorf("its format is %q, not %q", head.Format, sumFormat)
	case head.Version != sumVersion:
		return nil, fmt.Errorf("its version is %d, this tool writes %d", head.Version, sumVersion)
	}
	s := &Sum{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the report")
	}
	for i, l := range s.Lines {
		if !l.whole() {
			return nil, fmt.Errorf("line %d contradicts itself: it was changed by hand", i+1)
		}
	}
	return s, nil
}

// whole reports whether a line is complete and consistent.
func (l *Line) whole() bool {
	return l != nil && l.Parts > 0 && len(l.Failed) <= l.Parts && l.Height > 0 && l.Genesis != "" && l.Last != "" && l.After != nil &&
		l.Submitted == l.Acknowledged+l.Refused+l.Unknown
}

// Save atomically replaces the file.
func (s *Sum) Save(file string) error { return fabricnet.WriteJSON(file, s) }
