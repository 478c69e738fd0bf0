package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/inspect"
)

func verifyCommand() *cobra.Command {
	var f command.Flags
	c := &cobra.Command{
		Use:   "verify CHANNEL --orderer HOST:PORT --orderer HOST:PORT",
		Short: "Compare the blocks of orderers",
		Long: `Read every block of these orderers up to their common height and compare them: headers, data and
metadata, not the signatures. Each chain is checked, too: data hashes and previous hashes.
It needs an identity that may read the channel, and no right in Kafka.
Exits with 1 if blocks differ, or if an orderer does not have the channel.`,
		Example: "  osnkafka verify mychannel --orderer orderer1:7050 --orderer orderer2:7050 \\\n" +
			"    --cafile tlsca.pem --mspdir msp --mspid OrdererMSP",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = f.Run(nil, command.NeedOrderers, func(ctx context.Context, t *command.Target, p command.Printer) error {
		if len(t.Orderers) < 2 {
			return command.Usagef("a single orderer cannot be compared: name at least two, --orderer HOST:PORT --orderer HOST:PORT")
		}
		r, err := Verify(ctx, t.Reader, t.Channel, t.Orderers)
		if err != nil {
			return err
		}
		return p.Show(r)
	})
	f.AddOrderers(c)
	f.AddCommon(c, answerTimeout)
	return c
}

// Verified is the result of comparing blocks.
type Verified struct {
	Channel    string      `json:"channel"`
	Orderers   []string    `json:"orderers"`
	Blocks     uint64      `json:"blocks"`               // of each, that were compared
	Difference *Difference `json:"difference,omitempty"` // the first

	found *inspect.Difference
}

// Difference is a block that differs between two orderers.
type Difference struct {
	Block    uint64    `json:"block"`
	Orderers [2]string `json:"orderers"`
	Headers  [2]string `json:"headerHashes"`
}

// Verify compares the blocks of orderers that all have the channel. An error means that
// they could not be read, or do not form a chain.
func Verify(ctx context.Context, r *inspect.Reader, channel string, orderers []string) (Verified, error) {
	v := Verified{Channel: channel, Orderers: orderers}
	var err error
	v.Blocks, err = r.Verify(ctx, channel, orderers)
	if errors.As(err, &v.found) {
		d := v.found
		v.Blocks, v.Difference = d.A.Number, &Difference{d.A.Number, [2]string{d.First, d.Other}, [2]string{d.A.HeaderHash, d.B.HeaderHash}}
		return v, nil
	}
	return v, err
}

// Value returns what is printed as JSON.
func (v Verified) Value() any { return v }

// Table prints what was compared.
func (v Verified) Table(out io.Writer) error {
	if v.found != nil {
		return nil // Err has all of it
	}
	_, err := fmt.Fprintln(out, v)
	return err
}

// String describes what was compared.
func (v Verified) String() string {
	if len(v.Orderers) == 1 {
		return fmt.Sprintf("channel %s: %d blocks of %s are a chain; no other running orderer has it, so none was compared", v.Channel, v.Blocks, v.Orderers[0])
	}
	return fmt.Sprintf("channel %s: %d blocks are equal on %s", v.Channel, v.Blocks, strings.Join(v.Orderers, ", "))
}

// Err returns the difference, if there is one.
func (v Verified) Err() error {
	if v.found == nil {
		return nil
	}
	return fmt.Errorf("%w\nOne of the two ledgers is wrong: consenter/TROUBLESHOOTING.md has the next steps", v.found)
}
