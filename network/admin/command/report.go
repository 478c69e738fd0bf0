package command

import (
	"encoding/json"
	"io"
)

// Report is the result of a command.
type Report interface {
	Value() any              // encoded as JSON
	Table(w io.Writer) error // printed as text
	Err() error              // what the command found wrong; nil if nothing
}

// Printer prints reports as text or JSON.
type Printer struct {
	Out  io.Writer
	JSON bool
}

// Show prints a report and returns its error.
func (p Printer) Show(r Report) error {
	if err := p.print(r); err != nil {
		return err
	}
	return r.Err()
}

func (p Printer) print(r Report) error {
	if !p.JSON {
		return r.Table(p.Out)
	}
	encoder := json.NewEncoder(p.Out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r.Value())
}
