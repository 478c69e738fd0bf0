package offline

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/consenter/settings"
	"github.com/fabric-kafka/orderer/network/admin/command"
)

// translate are the flags of the command translate.
type translate struct {
	command.Flags
	from, into, out string
}

// TranslateCommand returns the command translate.
func TranslateCommand() *cobra.Command {
	var t translate
	c := &cobra.Command{
		Use:   "translate --from OLD-ORDERER.YAML [--into ORDERER.YAML] --out FILE",
		Short: "Carry over the section Kafka of an in-tree orderer's orderer.yaml",
		Long: `Carry over the section Kafka of an orderer.yaml of Fabric 1.4 to 2.5 to Consensus.Kafka.
Writes all of that section, with its comments; with --into, an orderer.yaml that has it and everything
else of the file named there. Keys that have Fabric's default values are left at our defaults. Prints
every other key that was not carried over, with the reason. Passwords are never carried over.

Exits with 1 if something is left to do by hand, such as a password, which belongs in a file.`,
		Example:           "  osnkafka translate --from /etc/old/orderer.yaml --into config/orderer.yaml --out /etc/fabric/orderer.yaml",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return t.RunOffline(c, t.write) },
	}
	f := c.Flags()
	f.StringVar(&t.from, "from", "", "orderer.yaml of an in-tree orderer (required)")
	f.StringVar(&t.into, "into", "", "orderer.yaml of the release to run, as its archive has it")
	f.StringVar(&t.out, "out", "", "file to write (required)")
	for _, name := range []string{"from", "out"} {
		command.MustMark(c.MarkFlagRequired(name))
	}
	for _, name := range []string{"from", "into", "out"} {
		command.MustMark(c.MarkFlagFilename(name, "yaml", "yml"))
	}
	t.AddJSON(c)
	return c
}

func (t *translate) write(p command.Printer) error {
	old, err := os.ReadFile(t.from)
	if err != nil {
		return command.Usage(err)
	}
	text, notes, err := settings.Translate(old)
	if err != nil {
		return fmt.Errorf("%s: %w", t.from, err)
	}
	if t.into != "" {
		orderer, err := os.ReadFile(t.into)
		if err != nil {
			return command.Usage(err)
		}
		if text, err = settings.Insert(text, orderer); err != nil {
			return fmt.Errorf("%s: %w", t.into, err)
		}
	}
	if err := replaceFile(t.out, text); err != nil {
		return command.Usage(err)
	}
	return p.Show(newTranslation(t.out, notes))
}

// translation describes a section that was carried over.
type translation struct {
	Out   string            `json:"out"`
	Notes []translationNote `json:"notes"`
}

type translationNote struct {
	Key    string `json:"key"`
	Text   string `json:"text"`
	Manual bool   `json:"manual"` // something is left to do
}

func newTranslation(out string, notes []settings.Note) translation {
	t := translation{Out: out, Notes: []translationNote{}}
	for _, n := range notes {
		t.Notes = append(t.Notes, translationNote(n))
	}
	return t
}

func (t translation) Value() any { return t }

func (t translation) Table(out io.Writer) error {
	for _, n := range t.Notes {
		if _, err := fmt.Fprintf(out, "%s: %s\n", n.Key, n.Text); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%s has the section Consensus.Kafka\n", t.Out)
	return err
}

func (t translation) Err() error {
	manual := 0
	for _, n := range t.Notes {
		if n.Manual {
			manual++
		}
	}
	if manual == 0 {
		return nil
	}
	return fmt.Errorf("keys that are left to do by hand: %d; see the notes on them, then edit %s", manual, t.Out)
}
