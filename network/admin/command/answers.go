package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/network/client"
)

// unreachable reports whether an error means that there was no answer: no connection, no
// login, or not in time. A missing topic or right is an answer.
func unreachable(err error) bool {
	var ofLog *log.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), unavailable(err):
		return true
	case !errors.As(err, &ofLog):
		return false
	case errors.Is(err, log.ErrNoTopic), unauthorized(err):
		return false
	}
	return ofLog.Class == log.Retryable || ofLog.Class == log.Ambiguous
}

// unauthorized reports whether brokers have refused an operation for lack of a right.
func unauthorized(err error) bool {
	return errors.Is(err, sarama.ErrTopicAuthorizationFailed) || errors.Is(err, sarama.ErrGroupAuthorizationFailed) ||
		errors.Is(err, sarama.ErrClusterAuthorizationFailed)
}

// unavailable reports whether an orderer could not be reached.
func unavailable(err error) bool {
	var answer interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &answer) {
		return false
	}
	code := answer.GRPCStatus().Code()
	return code == codes.Unavailable || code == codes.DeadlineExceeded || code == codes.Canceled
}

// withRemedy adds the remedy to an error from an orderer, which has none.
func withRemedy(err error) error {
	var ended *client.DeliverError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ended) && ended.Status == cb.Status_FORBIDDEN:
		return fmt.Errorf("%w: use an identity that the channel's Readers policy accepts (--mspdir, --mspid)", err)
	case errors.As(err, &ended) && ended.Status == cb.Status_BAD_REQUEST:
		return fmt.Errorf("%w: if the orderer asks for client certificates, give one (--client-cert, --client-key)", err)
	case errors.Is(err, client.ErrNoChannel):
		return fmt.Errorf("%w: correct the name of the channel, or name orderers that have joined it", err)
	case unavailable(err):
		return fmt.Errorf("%w: check that the orderer runs at this address, and the files of --cafile, --client-cert and --client-key", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: check that the addresses are right, or allow more with --timeout", err)
	}
	return err
}
