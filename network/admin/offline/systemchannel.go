package offline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/admin/command"
)

// removal are the flags of the command remove-system-channel.
type removal struct {
	command.Flags
	channel, dir, keep string
}

// RemoveSystemChannelCommand returns the command remove-system-channel.
func RemoveSystemChannelCommand() *cobra.Command {
	var r removal
	c := &cobra.Command{
		Use:   "remove-system-channel [CHANNEL] --ledger DIR",
		Short: "Remove the system channel of Fabric 1.4 to 2.5 from a stopped orderer",
		Long: `Remove the system channel from the ledgers of a stopped orderer of Fabric 1.4 to 2.5.
Fabric 3 does not start with one, and 2.5 removes only one of consensus type etcdraft, in maintenance mode. Block
files are copied first; application channels are not touched. Then set General.BootstrapMethod to none and
ChannelParticipation.Enabled to true in orderer.yaml, and start the orderer. After an
interruption, run the command again.`,
		Example:           "  osnkafka remove-system-channel --ledger /var/hyperledger/production/orderer",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				r.channel = args[0]
			}
			return r.RunOffline(c, r.remove)
		},
	}
	f := c.Flags()
	f.StringVar(&r.dir, "ledger", "", "FileLedger.Location of its orderer.yaml (required)")
	f.StringVar(&r.keep, "keep", "", "folder for the copy of the block files (default: removed-system-channel in the folder of --ledger)")
	command.MustMark(c.MarkFlagRequired("ledger"))
	command.MustMark(c.MarkFlagDirname("ledger"))
	command.MustMark(c.MarkFlagDirname("keep"))
	r.AddJSON(c)
	return c
}

func (r *removal) remove(p command.Printer) error {
	l, err := openLedgers(r.dir)
	if err != nil {
		return err
	}
	defer l.close()
	if err := r.find(l); err != nil {
		return err
	}
	done := removed{Channel: r.channel, Left: []string{}}
	if r.channel != "" {
		if done.Copy, err = r.copy(l); err != nil {
			return fmt.Errorf("nothing was removed: copy the blocks of channel %s: %w", r.channel, err)
		}
		if err := l.factory.Remove(r.channel); err != nil {
			return fmt.Errorf("remove channel %s, whose blocks are in %s: %w; run the command again", r.channel, done.Copy, err)
		}
	}
	done.Left = append(done.Left, l.channels()...)
	return p.Show(done)
}

// find sets the channel to remove; it stays empty if there is no system channel.
func (r *removal) find(l *ledgers) error {
	if err := noJoinBlock(r.dir); err != nil {
		return err
	}
	found, err := l.systemChannels()
	if err != nil {
		return err
	}
	switch {
	case r.channel != "" && slices.Contains(found, r.channel):
		return nil
	case r.channel != "" && slices.Contains(l.channels(), r.channel):
		return fmt.Errorf("channel %s is an application channel, which is removed by `osnadmin channel remove`; leave its name out to remove the system channel", r.channel)
	case r.channel != "":
		return fmt.Errorf("there is no channel %s in %s; there are %s", r.channel, r.dir, strings.Join(l.channels(), ", "))
	case len(found) > 1:
		return fmt.Errorf("%s are system channels; name the one to remove", strings.Join(found, " and "))
	case len(found) == 1:
		r.channel = found[0]
	}
	return nil
}

// noJoinBlock returns an error if the orderer was interrupted while it joined a channel: what
// it does at the next start may need the system channel.
func noJoinBlock(dir string) error {
	files, err := os.ReadDir(filepath.Join(dir, "pendingops", "join"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && len(files) > 0 {
		err = fmt.Errorf("the orderer was interrupted while it joined %s; start it with the release that it ran last, until the channel is there, and stop it again", files[0].Name())
	}
	return err
}

// copy copies the block files of the channel, and returns the folder that has them.
func (r *removal) copy(l *ledgers) (string, error) {
	keep := r.keep
	if keep == "" {
		keep = filepath.Join(r.dir, "removed-system-channel")
	}
	to := filepath.Join(keep, r.channel)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return "", err
	}
	from := l.blockFiles(r.channel)
	files, err := os.ReadDir(from)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if err := copyFile(filepath.Join(from, f.Name()), filepath.Join(to, f.Name())); err != nil {
			return "", err
		}
	}
	return to, syncDir(to)
}

// copyFile copies a file as a whole or not at all. Another file that is there already is not
// replaced.
func copyFile(from, to string) error {
	if same, err := sameSize(from, to); err == nil && !same {
		return fmt.Errorf("%s is another copy; name another folder with --keep", to)
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := renameio.NewPendingFile(to, renameio.WithTempDir(filepath.Dir(to)), renameio.WithStaticPermissions(0o644))
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Cleanup())
	}
	return errors.Join(out.CloseAtomicallyReplace(), out.Cleanup())
}

func sameSize(a, b string) (bool, error) {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	if err = errors.Join(err, err2); err != nil {
		return false, err
	}
	return x.Size() == y.Size(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// removed describes what was removed.
type removed struct {
	Channel string   `json:"removed"` // empty: there was no system channel
	Copy    string   `json:"copy"`    // folder with its block files
	Left    []string `json:"channels"`
}

func (r removed) Value() any { return r }

func (r removed) Table(out io.Writer) error {
	text := "there is no system channel"
	if r.Channel != "" {
		text = fmt.Sprintf("removed the system channel %s; its block files are in %s", r.Channel, r.Copy)
	}
	left := "no channel is left"
	if len(r.Left) > 0 {
		left = "the channels are now " + strings.Join(r.Left, ", ")
	}
	_, err := fmt.Fprintf(out, "%s\n%s\n", text, left)
	return err
}

func (r removed) Err() error { return nil }
