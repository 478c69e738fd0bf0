package integration_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/onsi/gomega/gcustom"
	gtypes "github.com/onsi/gomega/types"

	"github.com/fabric-kafka/orderer/network/client"
)

// refuse matches a Broadcast response with this status and text.
func refuse(status cb.Status, text string) gtypes.GomegaMatcher {
	return gcustom.MakeMatcher(func(err error) (bool, error) {
		var no *client.Refusal
		return errors.As(err, &no) && no.Status == status && strings.Contains(no.Info, text), nil
	}).WithMessage(fmt.Sprintf("be refused with %s and text %q", status, text))
}

// readable reads the blocks below a height, as a client that rejects stale orderers.
func (w *world) readable(ctx context.Context, orderer, channel string, height uint64) error {
	o, err := w.reader.Dial(orderer)
	if err != nil {
		return err
	}
	defer o.Close()
	count := uint64(0)
	err = o.Deliver(ctx, w.user, channel, client.Range{To: height - 1}, func(*cb.Block) error {
		count++
		return nil
	})
	if err == nil && count != height {
		err = fmt.Errorf("read %d of %d blocks", count, height)
	}
	return err
}

// lastConfig returns the last config block of a channel, serialized, which must not be the genesis block.
func (w *world) lastConfig(ctx context.Context, orderer, channel string) ([]byte, error) {
	b, err := w.reader.ConfigBlock(ctx, orderer, channel)
	if err != nil {
		return nil, err
	}
	if b.Header.Number == 0 {
		return nil, errors.New("the last config block is the genesis block")
	}
	return proto.Marshal(b)
}
