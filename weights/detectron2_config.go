package weights

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/portable"
)

// detectron2ConfigName is the file in which Detectron2 keeps the options of a training (engine/defaults.py, default_setup), in the folder of its weights.
const detectron2ConfigName = "config.yaml"

// detectron2Options are the options of Detectron2 that a result depends on (config/defaults.py). What is absent has its default.
type detectron2Options struct {
	lazy  bool // the file is of a LazyConfig (config/lazy.py), a program's objects and not options: nothing of it is read
	Input struct {
		Format  string `yaml:"FORMAT"`
		MinSize *int   `yaml:"MIN_SIZE_TEST"`
		MaxSize *int   `yaml:"MAX_SIZE_TEST"`
	} `yaml:"INPUT"`
	Model struct {
		Architecture string `yaml:"META_ARCHITECTURE"`
		MaskOn       *bool  `yaml:"MASK_ON"`
		Mean         floats `yaml:"PIXEL_MEAN"`
		Std          floats `yaml:"PIXEL_STD"`
		ResNets      struct {
			StrideIn1x1 *bool `yaml:"STRIDE_IN_1X1"`
			Dilation    *int  `yaml:"RES5_DILATION"`
		} `yaml:"RESNETS"`
		Anchors struct {
			Sizes  [][]float64 `yaml:"SIZES"`
			Ratios [][]float64 `yaml:"ASPECT_RATIOS"`
			Offset float64     `yaml:"OFFSET"`
		} `yaml:"ANCHOR_GENERATOR"`
		FPN struct {
			FuseType string `yaml:"FUSE_TYPE"`
		} `yaml:"FPN"`
		Proposals struct {
			MinSize *float64 `yaml:"MIN_SIZE"`
		} `yaml:"PROPOSAL_GENERATOR"`
		RPN struct {
			NMS     *float64 `yaml:"NMS_THRESH"`
			PreNMS  *int     `yaml:"PRE_NMS_TOPK_TEST"`
			PostNMS *int     `yaml:"POST_NMS_TOPK_TEST"`
			Weights floats   `yaml:"BBOX_REG_WEIGHTS"`
		} `yaml:"RPN"`
		Heads struct {
			NMS       *float64 `yaml:"NMS_THRESH_TEST"`
			Threshold *float64 `yaml:"SCORE_THRESH_TEST"`
		} `yaml:"ROI_HEADS"`
		Box struct {
			Weights floats           `yaml:"BBOX_REG_WEIGHTS"`
			Pooler  detectron2Pooler `yaml:",inline"`
		} `yaml:"ROI_BOX_HEAD"`
		Mask struct {
			Pooler detectron2Pooler `yaml:",inline"`
		} `yaml:"ROI_MASK_HEAD"`
	} `yaml:"MODEL"`
	Test struct {
		Detections *int `yaml:"DETECTIONS_PER_IMAGE"`
	} `yaml:"TEST"`
}

// floats are a list, or the text of a tuple, (10.0, 5.0), which Detectron2 evaluates (fvcore/common/config.py).
type floats []float64

// UnmarshalYAML implements yaml.Unmarshaler.
func (f *floats) UnmarshalYAML(n *yaml.Node) error {
	inner, isTuple := strings.CutPrefix(strings.TrimSpace(n.Value), "(")
	if n.Kind != yaml.ScalarNode || !isTuple {
		return n.Decode((*[]float64)(f))
	}
	inner = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(strings.TrimSuffix(inner, ")")), ","), " ")
	for word := range strings.SplitSeq(inner, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil {
			return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %q is no number", n.Line, word)}}
		}
		*f = append(*f, v)
	}
	return nil
}

type detectron2Pooler struct {
	Type       string `yaml:"POOLER_TYPE"`
	Sampling   int    `yaml:"POOLER_SAMPLING_RATIO"`
	Resolution *int   `yaml:"POOLER_RESOLUTION"`
}

// rule is that of a pooler (modeling/poolers.py, ROIPooler), empty if it is not supported. ROIAlign with two samples along an axis is Detectron's.
func (p detectron2Pooler) rule() config.RoIAlignRule {
	switch {
	case (p.Type == "" || p.Type == "ROIAlignV2") && p.Sampling == 0:
		return config.RoIAlignAdaptive
	case p.Type == "ROIAlign" && p.Sampling == 2:
		return config.RoIAlignLegacy
	}
	return ""
}

func (p detectron2Pooler) String() string {
	return fmt.Sprintf("%s with sampling ratio %d", cmp.Or(p.Type, "ROIAlignV2"), p.Sampling)
}

// detectron2Beside reads the options beside a file of weights; nil where there are none.
func detectron2Beside(file string) (*detectron2Options, []nameList, error) {
	name := filepath.Join(filepath.Dir(file), detectron2ConfigName)
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > maxConfigBytes {
		return nil, nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("weights: %w", err)
	}
	o, lists, err := parseDetectron2(text)
	if err != nil {
		return nil, nil, fmt.Errorf("weights: %s: %s", filepath.ToSlash(name), strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return o, lists, nil
}

// parseDetectron2 reads options, and lists of names among them; nil where they are of another program.
func parseDetectron2(text []byte) (*detectron2Options, []nameList, error) {
	var tree yaml.Node
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, nil, err
	}
	if model := mappingUnder(&tree, "model"); model != nil && mappingUnder(model, "backbone") != nil {
		return &detectron2Options{lazy: true}, nil, nil
	}
	if mappingUnder(&tree, "MODEL") == nil {
		return nil, nil, nil
	}
	o := new(detectron2Options)
	var wrong *yaml.TypeError
	if err := tree.Decode(o); errors.As(err, &wrong) {
		return nil, nil, wrongLine(string(text), wrong.Errors[0])
	} else if err != nil {
		return nil, nil, err
	}
	return o, namesInYAML(&tree, 0), nil
}

// mappingUnder is the mapping under a key of another one, or of a document; nil if there is none.
func mappingUnder(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if value := n.Content[i+1]; n.Content[i].Value == key {
			if value.Kind == yaml.AliasNode {
				value = value.Alias
			}
			if value.Kind == yaml.MappingNode {
				return value
			}
		}
	}
	return nil
}

// wrongLine shows the line of an error of types, whose own words are about types of Go.
func wrongLine(text, message string) error {
	var number int
	if _, err := fmt.Sscanf(message, "line %d:", &number); err != nil {
		return errors.New("a value has another type than that of Detectron2")
	}
	lines := strings.Split(text, "\n")
	return fmt.Errorf("line %d: %.64q: another type than that of Detectron2", number, strings.TrimSpace(lines[min(max(number, 1), len(lines))-1]))
}

// namesInYAML finds lists of class names, which people add to the options.
func namesInYAML(n *yaml.Node, depth int) []nameList {
	var lists []nameList
	if depth > 4 {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			if n.Kind == yaml.DocumentNode {
				lists = append(lists, namesInYAML(child, depth+1)...)
			}
		}
		return lists
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		var texts []string
		if slices.Contains([]string{"thing_classes", "class_names", "classes", "names"}, strings.ToLower(key)) && value.Kind == yaml.SequenceNode && value.Decode(&texts) == nil && len(texts) > 0 {
			lists = append(lists, nameList{key + " of " + detectron2ConfigName, texts})
			continue
		}
		lists = append(lists, namesInYAML(value, depth+1)...)
	}
	return lists
}

// ratios are the aspect ratios of anchors on the first level; empty: the options do not say.
func (o *detectron2Options) ratios() []float64 {
	if o == nil || len(o.Model.Anchors.Ratios) == 0 {
		return nil
	}
	return o.Model.Anchors.Ratios[0]
}

// apply sets what the options say in a config of Detectron2; sizes and the number of classes are those of the weights. Problems are options whose meaning is not supported.
func (o *detectron2Options) apply(c *config.Config) []string {
	var problems []string
	problem := func(format string, args ...any) {
		problems = append(problems, detectron2ConfigName+": "+fmt.Sprintf(format, args...))
	}
	m := &o.Model
	if m.Architecture != "" && m.Architecture != "GeneralizedRCNN" {
		problem("MODEL.META_ARCHITECTURE %q, want GeneralizedRCNN", m.Architecture)
	}
	if m.MaskOn != nil && !*m.MaskOn {
		problem("MODEL.MASK_ON is false, want Mask R-CNN")
	}
	if m.FPN.FuseType != "" && m.FPN.FuseType != "sum" {
		problem("MODEL.FPN.FUSE_TYPE %q, want sum", m.FPN.FuseType)
	}
	if m.ResNets.Dilation != nil && *m.ResNets.Dilation != 1 {
		problem("MODEL.RESNETS.RES5_DILATION %d, want 1: DC5 is not supported", *m.ResNets.Dilation)
	}
	if m.Anchors.Offset != 0 {
		problem("MODEL.ANCHOR_GENERATOR.OFFSET %g, want 0", m.Anchors.Offset)
	}
	if box, mask := m.Box.Pooler.rule(), m.Mask.Pooler.rule(); box != mask || box == "" {
		problem("poolers %v of MODEL.ROI_BOX_HEAD and %v of MODEL.ROI_MASK_HEAD, want ROIAlignV2 with sampling ratio 0 or ROIAlign with 2 for both", m.Box.Pooler, m.Mask.Pooler)
	} else {
		c.RoIAlign.Rule = box
	}
	bgr := true
	switch o.Input.Format {
	case "", "BGR":
	case "RGB":
		bgr = false
		c.Input.ChannelOrder = ""
	default:
		problem("INPUT.FORMAT %q, want BGR or RGB", o.Input.Format)
	}
	colours := func(name string, list []float64, to *[3]float64) {
		if list == nil {
			if !bgr {
				to[0], to[2] = to[2], to[0] // the default's order is blue, green, red, whatever the format
			}
			return
		}
		if len(list) != 3 {
			problem("MODEL.%s has %d numbers, want 3", name, len(list))
			return
		}
		copy(to[:], list)
		if bgr {
			to[0], to[2] = to[2], to[0]
		}
	}
	colours("PIXEL_MEAN", m.Mean, &c.Input.Mean)
	colours("PIXEL_STD", m.Std, &c.Input.Std)
	set(&c.Input.MinSize, o.Input.MinSize)
	set(&c.Input.MaxSize, o.Input.MaxSize)
	if s := m.ResNets.StrideIn1x1; s != nil && !*s {
		c.Backbone.StridedConv = ""
	}
	set(&c.RPN.NMSIoU, m.RPN.NMS)
	set(&c.RPN.PreNMSPerLevel, m.RPN.PreNMS)
	set(&c.RPN.PostNMS, m.RPN.PostNMS)
	if s := m.Proposals.MinSize; s != nil && *s != 0 {
		problem("MODEL.PROPOSAL_GENERATOR.MIN_SIZE %g, want 0", *s)
	}
	set(&c.Detections.NMSIoU, m.Heads.NMS)
	set(&c.Detections.ScoreThreshold, m.Heads.Threshold)
	set(&c.Detections.Max, o.Test.Detections)
	set(&c.RoIAlign.MaskSize, m.Mask.Pooler.Resolution)
	if w := m.Box.Weights; len(w) == 4 {
		c.BoxHead.Weights = [4]float64{w[1], w[0], w[3], w[2]} // dx, dy, dw, dh there
	} else if w != nil {
		problem("MODEL.ROI_BOX_HEAD.BBOX_REG_WEIGHTS has %d numbers, want 4", len(w))
	}
	if w := m.RPN.Weights; w != nil && !slices.Equal(w, []float64{1, 1, 1, 1}) {
		problem("MODEL.RPN.BBOX_REG_WEIGHTS %v, want [1 1 1 1]", w)
	}
	if len(m.Anchors.Ratios) > 0 {
		for _, r := range m.Anchors.Ratios {
			if !slices.Equal(r, m.Anchors.Ratios[0]) {
				problem("MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS differ from level to level, want the same")
			}
		}
		c.Anchors.AspectRatios = slices.Clone(m.Anchors.Ratios[0])
	}
	if len(m.Anchors.Sizes) > 0 {
		problems = append(problems, anchorSizes(c, m.Anchors.Sizes)...)
	}
	return problems
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// assume adds to what is assumed of a file of Detectron2 the values of colours and strides, which options alone tell, and says what else the options have told.
// otherwise is where those values come from without them.
func (o *detectron2Options) assume(list []Assumption, c *config.Config, otherwise string) []Assumption {
	if o == nil {
		o = &detectron2Options{}
	}
	beside := detectron2ConfigName + " beside the file"
	from := func(told bool, otherwise string) string {
		switch {
		case told:
			return beside
		case o.lazy:
			return otherwise + "; " + beside + ", of a LazyConfig, is not read"
		}
		return otherwise
	}
	for i, a := range list {
		switch in := o.Input; {
		case a.Field == "anchors.size":
			list[i].Reason = from(len(o.Model.Anchors.Sizes) > 0, a.Reason)
		case a.Field == "input" && (in.MinSize == nil) != (in.MaxSize == nil):
			list[i].Reason = beside + "; the other side " + a.Reason
		case a.Field == "input":
			list[i].Reason = from(in.MinSize != nil, a.Reason)
		}
	}
	return slices.Insert(list, min(1, len(list)),
		Assumption{"input.channel_order", string(cmp.Or(c.Input.ChannelOrder, config.ChannelOrderRGB)), from(o.Input.Format != "", otherwise), ""},
		Assumption{"input.std", fmt.Sprint(c.Input.Std), from(o.Model.Std != nil, otherwise), ""},
		Assumption{"backbone.strided_conv", string(cmp.Or(c.Backbone.StridedConv, config.StridedConv3x3)), from(o.Model.ResNets.StrideIn1x1 != nil, otherwise), ""},
	)
}

// anchorSizes sets the sizes of anchors, which are those of a level times two for the next.
func anchorSizes(c *config.Config, sizes [][]float64) []string {
	wrong := []string{fmt.Sprintf("%s: MODEL.ANCHOR_GENERATOR.SIZES %v, want for each of the levels %d to %d sizes that double from level to level, 2^(1/n) apart", detectron2ConfigName, sizes, c.Backbone.MinLevel, c.Backbone.MaxLevel)}
	if len(sizes) != c.Backbone.Levels() || len(sizes[0]) == 0 {
		return wrong
	}
	n := len(sizes[0])
	for l, level := range sizes {
		for k, s := range level {
			want := float64(sizes[0][0] * portable.Pow(2, float64(l)+float64(k)/float64(n)))
			if len(level) != n || math.Abs(s-want) > float64(1e-6*want) {
				return wrong
			}
		}
	}
	c.Anchors.Size = sizes[0][0] / float64(int(1)<<c.Backbone.MinLevel)
	c.Anchors.ScalesPerOctave = n
	return nil
}
