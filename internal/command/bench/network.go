// Package bench measures how fast a model runs on this machine, and compares
// measurements.
package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/weights"
)

// Work is what every run of Mask R-CNN does: as many RoIs as the papers count.
const (
	Proposals  = 1000
	Detections = 100
)

// A Network is what is measured.
type Network struct {
	Config  *config.Config
	Weights spinemask.Weights
	close   func() error
}

// Published returns a published size of a kind of network on SpineNet, on mobile
// SpineNet ("mobile-49") or on a ResNet of the Garden ("resnet-50"), for inputs of
// side×side pixels (0: the published side), with weights of no meaning that keep
// values of order one.
func Published(kind config.Model, variant string, side int) (*Network, error) {
	families := map[config.Model]func(string) (*config.Config, error){
		config.ModelMaskRCNN: config.TF1, config.ModelRetinaNet: config.TF1RetinaNet, config.ModelClassification: config.TF1Classification,
	}
	family, ok := families[kind]
	if !ok {
		return nil, fmt.Errorf("bench: network %q, want %q, %q or %q", kind, config.ModelMaskRCNN, config.ModelRetinaNet, config.ModelClassification)
	}
	if name, ok := strings.CutPrefix(variant, "mobile-"); ok && kind == config.ModelRetinaNet {
		family, variant = config.TF2Mobile, name
	} else if strings.HasPrefix(variant, "resnet-") {
		family = map[config.Model]func(string) (*config.Config, error){
			config.ModelMaskRCNN: config.TF2ResNetFPN, config.ModelRetinaNet: config.TF2ResNetFPNRetinaNet, config.ModelClassification: config.TF2Classification,
		}[kind]
	}
	c, err := family(variant)
	if err != nil {
		return nil, err
	}
	if m := c.Input.PadMultiple; m > 0 && side%m != 0 {
		return nil, fmt.Errorf("bench: input of %d×%d pixels, want a multiple of %d", side, side, m)
	}
	if side > 0 {
		c.Input.Height, c.Input.Width = side, side
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return Untrained(c)
}

// Open reads the network of a model file, and says what it assumed of a foreign
// one. The caller closes the network.
func Open(path string, o weights.Options) (*Network, []weights.Assumption, error) {
	f, err := weights.Open(path)
	if err != nil {
		return nil, nil, err
	}
	c, assumed, err := f.Config(o)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	saturate(c)
	return &Network{c, fileWeights{f}, f.Close}, assumed, nil
}

// Untrained is the network of any config, with weights of no meaning that keep values
// of order one.
func Untrained(c *config.Config) (*Network, error) {
	saturate(c)
	w, err := random(c)
	return &Network{c, w, func() error { return nil }}, err
}

// Close frees the file of the weights.
func (n *Network) Close() error { return n.close() }

// saturate makes a Mask R-CNN give Proposals proposals and Detections masks for
// every picture, whatever the weights. The work of other networks does not depend
// on what they find, but for the choice among the outputs of RetinaNet.
func saturate(c *config.Config) {
	if c.Model != config.ModelMaskRCNN {
		return
	}
	c.RPN.PostNMS = Proposals
	c.RPN.PreNMSPerLevel = Proposals
	c.RPN.NMSIoU, c.RPN.NMSRule = 1, config.NMSRuleGT
	c.RPN.ScoreThreshold, c.RPN.MinSize, c.RPN.DropEmpty = 0, 0, false
	c.Detections.Max = Detections
	c.Detections.NMSIoU, c.Detections.NMSRule = 1, config.NMSRuleGT
	c.Detections.ScoreThreshold, c.Detections.MinSize, c.Detections.ClipToPhoto = 0, 0, false
}

// fileWeights gives a file's tensors to the compiler.
type fileWeights struct{ *weights.File }

func (w fileWeights) Float32(name string) ([]float32, error) {
	t, ok := w.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	return t.Float32(nil)
}

// random are weights for the network of a config.
func random(c *config.Config) (randomWeights, error) {
	n, err := network.Build(c)
	if err != nil {
		return nil, err
	}
	w := randomWeights{}
	for _, t := range n.Tensors() {
		w[t.Name] = t
	}
	return w, nil
}

// prior is the logit of 0.01, with which training of a RetinaNet begins (arXiv
// 1708.02002, section 4.1): few anchors score high, as in photos.
const prior = -4.6

// randomWeights makes each tensor when it is asked for.
type randomWeights map[string]graph.Tensor

func (w randomWeights) Float32(name string) ([]float32, error) {
	t, ok := w[name]
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	fanIn := n / t.Shape[len(t.Shape)-1]
	r := rand.New(rand.NewPCG(uint64(n), uint64(len(name))))
	v := make([]float32, n)
	for i := range v {
		switch {
		case strings.HasPrefix(t.Name, "retina/class/predict/bias"):
			v[i] = prior
		case t.Statistic:
			v[i] = 0.5 + r.Float32()
		case len(t.Shape) == 1:
			v[i] = r.Float32()
		default:
			v[i] = (r.Float32() - 0.5) * float32(math.Sqrt(12/float64(fanIn)))
		}
	}
	return v, nil
}
