package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/consenter"
)

// openAs opens a topic as an orderer does that has this orderer.yaml: by its way to
// log in. Without a file, as one of default settings; without brokers, those of the file.
func openAs(config string, brokers []string, topic string, largest uint32) (log.Log, error) {
	c, err := consenterOf(config)
	if err != nil {
		return nil, err
	}
	return c.OpenTopic(brokers, topic, largest)
}

// consenterOf is the consenter of an orderer that has this orderer.yaml, or the default settings.
func consenterOf(config string) (*consenter.Consenter, error) {
	var file struct {
		Consensus any `yaml:"Consensus"`
	}
	if config != "" {
		text, err := os.ReadFile(config)
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			return nil, fmt.Errorf("%s: %w", config, err)
		}
	}
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	if err != nil {
		return nil, err
	}
	return consenter.New(consenter.Host{Consensus: file.Consensus, Metrics: &disabled.Provider{}, Crypto: crypto, ConfigDir: filepath.Dir(config)})
}
