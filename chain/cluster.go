package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/status"
	"github.com/fabric-kafka/orderer/chain/verdict"
)

// checkCluster refuses a config that names brokers of another cluster. Orderers switch to
// them one by one, when they read the config. What is appended meanwhile is acknowledged by
// the old cluster, after the last record that is read there, and lost. An update cannot move
// a channel.
//
// This is a check at Broadcast, not a verdict: brokers that do not answer are accepted,
// since the list may be meant for orderers that reach them.
func (c *Chain) checkCluster(envelope *fabric.Envelope) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.calls.Done()
	next, err := c.newBrokers(envelope)
	if err != nil || next == nil {
		return err
	}
	err = c.connection.use(func(o *openLog) error { return c.compareClusters(o, next) })
	if errors.Is(err, log.ErrClosed) {
		return nil
	}
	return err
}

// compareClusters opens the topic on the brokers of a new config, to see whether it is
// the one that is open now.
func (c *Chain) compareClusters(o *openLog, next []string) error {
	ctx, cancel := context.WithTimeout(c.life, c.opts.AppendTimeout)
	defer cancel()
	now, err := o.Identity(ctx)
	if err != nil || now.TopicID == "" && now.ClusterID == "" {
		return nil
	}
	opened, err := c.opts.OpenLog(next, c.support.ChannelID(), o.limit)
	if err != nil {
		return fmt.Errorf("open the topic on the brokers of the new config: %w", err)
	}
	defer opened.Close()
	then, err := opened.Identity(ctx)
	if err := otherCluster(next, now, then, err); err != nil {
		return status.Refused{Refusal: status.RefusalOtherCluster, Err: err}
	}
	return nil
}

// otherCluster returns why the brokers of a new config belong to another cluster; nil if they do not, or if that is
// not known.
func otherCluster(brokers []string, now, then log.Identity, err error) error {
	switch list := strings.Join(brokers, ", "); {
	case errors.Is(err, log.ErrNoTopic):
		return fmt.Errorf("the brokers %s do not have the channel's topic (id %s): they belong to another cluster, and what is ordered until every orderer has read the config would be lost",
			list, now.TopicID)
	case err == nil && now.ClusterID != "" && then.ClusterID != "" && then.ClusterID != now.ClusterID: // also where topics have no ids
		return fmt.Errorf("the brokers %s belong to another cluster (id %s, not %s), and what is ordered until every orderer has read the config would be lost",
			list, then.ClusterID, now.ClusterID)
	case err == nil && then.TopicID != "" && then.TopicID != now.TopicID:
		return fmt.Errorf("the brokers %s have another topic of the channel's name (id %s, not %s): they belong to another cluster, and what is ordered until every orderer has read the config would be lost",
			list, then.TopicID, now.TopicID)
	}
	return nil
}

// newBrokers returns the brokers of a config envelope if this orderer would switch to them.
func (c *Chain) newBrokers(envelope *fabric.Envelope) ([]string, error) {
	if len(c.opts.Brokers) > 0 {
		return nil, nil // its own take precedence over the channel's
	}
	config, err := verdict.ConfigOf(envelope)
	if err != nil {
		return nil, err
	}
	next, err := brokers.New(config)
	now, errNow := c.connection.brokers()
	if err != nil || errNow != nil || slices.Equal(now, next) {
		return nil, nil // the checks of the list report what is wrong with it
	}
	return next, nil
}
