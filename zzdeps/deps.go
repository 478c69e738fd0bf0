//go:build tools

// Package zzdeps keeps go.mod complete while folders are being written at the
// same time. Removed before the first release.
package zzdeps

import (
	_ "github.com/IBM/sarama"
	_ "github.com/golang/protobuf/proto"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/hyperledger/fabric-chaincode-go/shim"
	_ "github.com/hyperledger/fabric-config/protolator"
	_ "github.com/hyperledger/fabric-protos-go/peer"
	_ "github.com/hyperledger/fabric/cmd/configtxgen"
	_ "github.com/hyperledger/fabric/cmd/configtxlator"
	_ "github.com/hyperledger/fabric/cmd/cryptogen"
	_ "github.com/hyperledger/fabric/cmd/orderer"
	_ "github.com/hyperledger/fabric/cmd/osnadmin"
	_ "github.com/hyperledger/fabric/cmd/peer"
	_ "github.com/hyperledger/fabric/integration/channelparticipation"
	_ "github.com/hyperledger/fabric/integration/nwo"
	_ "github.com/mitchellh/mapstructure"
	_ "github.com/onsi/ginkgo/v2"
	_ "github.com/onsi/gomega"
	_ "github.com/spf13/cobra"
	_ "github.com/stretchr/testify/require"
	_ "github.com/twmb/franz-go/pkg/kadm"
	_ "github.com/twmb/franz-go/pkg/kfake"
	_ "github.com/twmb/franz-go/pkg/kmsg"
	_ "go.uber.org/goleak"
	_ "golang.org/x/sync/errgroup"
	_ "google.golang.org/grpc"
	_ "google.golang.org/protobuf/proto"
	_ "gopkg.in/yaml.v2"
)
