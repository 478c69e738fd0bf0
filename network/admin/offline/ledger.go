package offline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/flogging"
	"github.com/hyperledger/fabric/common/ledger/blockledger"
	"github.com/hyperledger/fabric/common/ledger/blockledger/fileledger"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/syndtr/goleveldb/leveldb/storage"

	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/client"
)

// errRunning is returned for the ledgers of an orderer that is running.
var errRunning = errors.New("a process has these ledgers open; stop the orderer first")

// ledgers are those of a stopped orderer, in the folder FileLedger.Location of its orderer.yaml.
type ledgers struct {
	dir     string
	factory blockledger.Factory
}

// openLedgers opens the ledgers of a stopped orderer. Nothing is created: a folder that holds no
// ledgers is an error.
func openLedgers(dir string) (*ledgers, error) {
	for _, part := range []string{"chains", "index"} {
		if info, err := os.Stat(filepath.Join(dir, part)); err != nil || !info.IsDir() {
			return nil, command.Usagef("%s has no folder %s, so it is not FileLedger.Location of an orderer.yaml; name that folder with --ledger", dir, part)
		}
	}
	if err := vacant(filepath.Join(dir, "index")); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	flogging.ActivateSpec("fatal") // what Fabric's code logs is for the log of an orderer
	l := &ledgers{dir: dir}
	err := guard.Call(func() (err error) { // Fabric panics on an index that it cannot open
		l.factory, err = fileledger.New(dir, &disabled.Provider{})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the ledgers in %s: %w", dir, err)
	}
	return l, nil
}

// vacant returns an error if a process has an index open.
func vacant(index string) error {
	s, err := storage.OpenFile(index, false)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK) {
		return errRunning
	}
	if err != nil {
		return err
	}
	return s.Close()
}

func (l *ledgers) close() { l.factory.Close() }

// channels returns the names of the channels, sorted.
func (l *ledgers) channels() []string {
	all := l.factory.ChannelIDs()
	slices.Sort(all)
	return all
}

// systemChannels returns the names of the channels whose genesis block makes a system channel.
func (l *ledgers) systemChannels() (found []string, err error) {
	for _, channel := range l.channels() {
		is, err := l.isSystemChannel(channel)
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", channel, err)
		}
		if is {
			found = append(found, channel)
		}
	}
	return found, nil
}

func (l *ledgers) isSystemChannel(channel string) (is bool, err error) {
	err = guard.Call(func() error {
		ledger, err := l.factory.GetOrCreate(channel)
		if err != nil || ledger.Height() == 0 {
			return err
		}
		block, err := ledger.RetrieveBlockByNumber(0)
		if err != nil {
			return err
		}
		is, err = makesSystemChannel(block)
		return err
	})
	return is, err
}

// makesSystemChannel reports whether a genesis block makes a system channel.
func makesSystemChannel(block *cb.Block) (bool, error) {
	config, err := client.ConfigOf(block)
	if err != nil {
		return false, err
	}
	_, is := config.GetChannelGroup().GetGroups()[channelconfig.ConsortiumsGroupKey]
	return is, nil
}

// blockFiles returns the folder with the block files of a channel.
func (l *ledgers) blockFiles(channel string) string { return filepath.Join(l.dir, "chains", channel) }
