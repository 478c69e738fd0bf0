// Package history is what happened in a run, as a file of JSON lines: what
// clients sent and were told, what was done to brokers and orderers, and in the
// end the blocks of every orderer. Check looks for broken promises in it. It
// knows nothing of how the orderers work.
package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// What names a kind of event.
type What string

const (
	Began        What = "began"        // the run: Orderers are all that there are, Height the blocks that they have, Faults what is asked for
	Ended        What = "ended"        // the sending, after all that was done
	Died         What = "died"         // Text is a process that ended though nobody had ended it
	Panicked     What = "panicked"     // Text is a process, and what it wrote when it did, though it was to end
	Submitted    What = "submitted"    // a client sends an envelope
	Acknowledged What = "acknowledged" // and is told SUCCESS
	Refused      What = "refused"      // and is told anything else; Text is that
	Unknown      What = "unknown"      // and is told nothing; Text is why
	Fault        What = "fault"        // Text was done; with a Role, to Target, while Holder had it
	Done         What = "done"         // a fault of the name Text was done and mended
	Block        What = "block"        // an orderer has a block
)

// Role is what a process may be chosen for.
type Role string

const (
	Leader     Role = "leader"
	Follower   Role = "follower" // of the leader, who is the Holder
	Controller Role = "controller"
)

// Event is one line.
type Event struct {
	At   time.Time `json:"at"`
	What What      `json:"what"`

	ID      string `json:"id,omitempty"`      // of an envelope: the SHA-256 of its bytes
	Client  int    `json:"client,omitempty"`  // who sends one envelope after the other; from 1
	Orderer string `json:"orderer,omitempty"` // that was asked, or has the block
	Text    string `json:"text,omitempty"`

	Orderers []string `json:"orderers,omitempty"`
	Height   uint64   `json:"height,omitempty"`
	Faults   []string `json:"faults,omitempty"` // names of those that are asked for: each once at least
	Rounds   int      `json:"rounds,omitempty"` // or only so many of them in all, if that is fewer; else 0

	Target string `json:"target,omitempty"` // the process that a fault was done to
	Role   Role   `json:"role,omitempty"`   // for which it was chosen; empty for none
	Holder string `json:"holder,omitempty"` // who had the role when it was done, by somebody else's word

	Number   uint64   `json:"number,omitempty"` // of the block
	Config   bool     `json:"config,omitempty"` // it holds a channel config
	Header   string   `json:"header,omitempty"` // hash of its header
	Previous string   `json:"previous,omitempty"`
	IDs      []string `json:"ids,omitempty"` // of its envelopes
}

// Writer writes events. It is safe for concurrent use.
type Writer struct {
	mu    sync.Mutex
	out   *json.Encoder
	err   error
	acked int
}

// NewWriter returns a writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: json.NewEncoder(out)} }

// Add writes an event, at the present time if it has none.
func (w *Writer) Add(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.At.IsZero() {
		e.At = time.Now()
	}
	if e.What == Acknowledged {
		w.acked++
	}
	if w.err == nil {
		w.err = w.out.Encode(e)
	}
}

// Submitted says that a client sends an envelope to an orderer. A nil Writer writes nothing.
func (w *Writer) Submitted(id string, client int, orderer string) {
	if w != nil {
		w.Add(Event{What: Submitted, ID: id, Client: client, Orderer: orderer})
	}
}

// Answered says what the client was told: nil is SUCCESS; an error is the
// orderer's answer, or what kept one away.
func (w *Writer) Answered(id string, err error, answer bool) {
	switch {
	case w == nil:
	case err == nil:
		w.Add(Event{What: Acknowledged, ID: id})
	case answer:
		w.Add(Event{What: Refused, ID: id, Text: err.Error()})
	default:
		w.Add(Event{What: Unknown, ID: id, Text: err.Error()})
	}
}

// Acknowledged returns how many envelopes were acknowledged so far.
func (w *Writer) Acknowledged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acked
}

// Err is the first error of writing.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Read returns the events of a file.
func Read(in io.Reader) (events []Event, err error) {
	for d := json.NewDecoder(in); ; {
		var e Event
		switch err := d.Decode(&e); {
		case errors.Is(err, io.EOF):
			return events, nil
		case err != nil:
			return nil, fmt.Errorf("history, after event %d: %w", len(events), err)
		}
		events = append(events, e)
	}
}
