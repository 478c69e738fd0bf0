package verdict

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/msp"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// soundMSPs refuses MSP definitions that no channel config may have, in what an update
// writes to a group and to the groups below it.
func soundMSPs(group *fabric.ConfigGroup) error {
	if v := group.GetValues()[channelconfig.MSPKey]; len(v.GetValue()) > 0 {
		if err := soundMSP(v.Value); err != nil {
			return err
		}
	}
	for name, g := range group.GetGroups() {
		if err := soundMSPs(g); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func soundMSP(value []byte) error {
	definition := &fabric.MSPConfig{}
	if err := fabric.Unmarshal(value, definition); err != nil {
		return fmt.Errorf("MSP: %w", err)
	}
	switch msp.ProviderType(definition.Type) {
	case msp.FABRIC:
		return soundFabricMSP(definition.Config)
	case msp.IDEMIX:
		return soundIdemixMSP(definition.Config)
	}
	return nil // Fabric knows no other
}

// errSigner refuses the private half of an MSP. Fabric accepts it, then looks for its key in the orderer's own key
// store and compares its expiry with the clock: one orderer accepts the config and another one refuses it, and after
// the expiry neither orderers nor peers start.
var errSigner = errors.New("MSP with a signing identity: it belongs in the folder of a node, not in a channel config")

func soundFabricMSP(b []byte) error {
	definition := &fabric.FabricMSPConfig{}
	if err := fabric.Unmarshal(b, definition); err != nil {
		return fmt.Errorf("MSP: %w", err)
	}
	if definition.SigningIdentity != nil {
		return errSigner
	}
	for _, root := range definition.RootCerts {
		if err := soundRoot(root); err != nil {
			return fmt.Errorf("MSP %q: %w", definition.Name, err)
		}
	}
	return nil
}

func soundIdemixMSP(b []byte) error {
	definition := &fabric.IdemixMSPConfig{}
	if err := fabric.Unmarshal(b, definition); err != nil {
		return fmt.Errorf("MSP: %w", err)
	}
	if definition.Signer != nil {
		return errSigner
	}
	return nil
}

// soundRoot refuses a root certificate that is signed by another key, or is not that of an authority: releases before
// 2.5.4 and 3.0 look for the certificate above it, and panic. They do not look if the signature is RSA.
func soundRoot(encoded []byte) error {
	block, _ := pem.Decode(encoded)
	if block == nil {
		return errors.New("a root certificate is not PEM")
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("root certificate: %w", err)
	}
	switch root.SignatureAlgorithm {
	case x509.ECDSAWithSHA1, x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
	default:
		return nil
	}
	if !root.IsCA || root.CheckSignatureFrom(root) != nil {
		return fmt.Errorf("the root certificate of %s is not that of a self-signed authority", root.Subject)
	}
	return nil
}
