package weights

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask/config"
)

// Config returns the config that a file implies: the one in its metadata for a native file; else sizes from the shapes
// of its tensors, and what no tensor tells from the published model of these sizes or from the defaults of its system.
// All such values are listed. The error is a *LoadError if tensors are missing or contradict each other.
func (f *File) Config(o Options) (*config.Config, []Assumption, error) {
	if n := len(f.norms); n > 0 {
		what := f.norms[0]
		if n > 1 {
			what = fmt.Sprintf("%s (%d batch norms lack statistics)", what, n)
		}
		advice := "a network needs the statistics of its training: save all of model.state_dict(), buffers included"
		if !slices.ContainsFunc(f.tensors, func(t Tensor) bool { return strings.HasSuffix(t.Name, "/norm/mean") }) {
			advice = "group normalization, which has none, is not supported; with batch normalization " + advice
		}
		return nil, nil, kind{what, advice}.error(f.name, nil)
	}
	var assumed []Assumption
	var c *config.Config
	var err error
	if o.Config != nil {
		if given := o.arithmetic(); given != "" {
			return nil, nil, fmt.Errorf("weights: %s: %s beside a config, which has its own", f.name, given)
		}
		c = o.Config.Clone()
	} else if text := f.metadata["config"]; f.system == Native && text != "" {
		if given := o.arithmetic(); given != "" {
			return nil, nil, fmt.Errorf("weights: %s: %s: a native file has its own", f.name, given)
		}
		if c, err = config.Parse([]byte(text)); err != nil {
			return nil, nil, fmt.Errorf("weights: %s: metadata: %w", f.name, err)
		}
	} else {
		if c, assumed, err = f.infer(o); err != nil {
			return nil, nil, err
		}
	}
	if o.Activation != "" {
		c.Activation = o.Activation
	}
	if o.NormEpsilon != nil {
		c.NormEpsilon = *o.NormEpsilon
	}
	if o.AnchorSize != 0 {
		c.Anchors.Size = o.AnchorSize
	}
	if err := o.Input.apply(&c.Input); err != nil {
		return nil, nil, fmt.Errorf("weights: %s: %w", f.name, err)
	}
	if len(o.Categories) > 0 && (o.Config != nil || f.system == Native) {
		if _, err := f.setCategories(c, o, ""); err != nil {
			return nil, nil, err
		}
	}
	if len(f.sets) > 1 {
		assumed = append(assumed, f.assumedSet())
	}
	if n := f.rounded(); n > 0 {
		assumed = append(assumed, Assumption{"precision", "float32", fmt.Sprintf("%d tensors of float64 are rounded to it", n), ""})
	}
	if err := c.Validate(); err != nil {
		return nil, nil, fmt.Errorf("weights: %s: %w", f.name, err)
	}
	return c, assumed, nil
}

// family is the published models of a system, whose configs are the defaults for its files.
type family struct {
	variants []string
	config   func(variant string) (*config.Config, error)
	base     func(f *File) string // the variant to start from where none has the measured backbone
}

func spineNet(make func(string) (*config.Config, error)) *family {
	return &family{config.Variants(), make, func(*File) string { return "49" }}
}

// resNetFPN is the family of the Garden's detectors on ResNets.
func resNetFPN(f *File, kind config.Model) *family {
	if kind == config.ModelRetinaNet {
		return &family{config.ResNets(), config.TF2ResNetFPNRetinaNet, func(*File) string { return "resnet-50" }}
	}
	names := config.ResNets()
	for _, name := range config.ResNets() {
		names = append(names, name+"-p3")
	}
	return &family{names, config.TF2ResNetFPN, func(f *File) string {
		if f.has("fpn/output2/kernel") {
			return "resnet-50"
		}
		return "resnet-50-p3"
	}}
}

// resNets is a family of Mask R-CNNs with a ResNet and a feature pyramid.
func resNets(make func(string) (*config.Config, error)) *family {
	return &family{[]string{"r50", "r101"}, make, func(*File) string { return "r50" }}
}

// styled is the family of mmdetection in a style.
func (fam *family) styled(s Style) *family {
	if s != StyleCaffe {
		return fam
	}
	return &family{fam.variants, func(variant string) (*config.Config, error) {
		c, err := fam.config(variant)
		if err == nil {
			c.CaffeStyle()
			c.Name += ", caffe style"
		}
		return c, err
	}, fam.base}
}

// withRatios is the family with other aspect ratios of anchors, whose number the sizes of a file are measured by.
func (fam *family) withRatios(ratios []float64) *family {
	return &family{fam.variants, func(variant string) (*config.Config, error) {
		c, err := fam.config(variant)
		if err == nil {
			c.Anchors.AspectRatios = slices.Clone(ratios)
		}
		return c, err
	}, fam.base}
}

// familyOf returns the family of a system's networks of a kind, nil if it has none.
func familyOf(f *File, s System, style Style) *family {
	switch kind := kindOf(f); {
	case s == TF2 && kind.Detects() && f.has("backbone/stage2/unit0/conv0/kernel"):
		return resNetFPN(f, kind)
	case s == TF2 && f.has("backbone/stem/group0/unit0/squeeze/kernel"):
		base := func(*File) string { return "49" }
		if kind == config.ModelRetinaNet {
			return &family{config.Mobiles(), config.TF2Mobile, base}
		}
		return &family{config.Mobiles(), config.TF2MobileMaskRCNN, base}
	case s == TF1 && kind == config.ModelRetinaNet:
		return spineNet(config.TF1RetinaNet)
	case s == TF2 && kind == config.ModelRetinaNet:
		return spineNet(config.TF2RetinaNet)
	case s == TF1 && kind == config.ModelClassification:
		return spineNet(config.TF1Classification)
	case s == TF2 && kind == config.ModelClassification:
		if f.has("backbone/stage2/unit0/conv0/kernel") {
			return &family{[]string{"resnet-50", "resnet-101", "resnet-152"}, config.TF2Classification, func(*File) string { return "resnet-50" }}
		}
		return spineNet(config.TF2Classification)
	case s == Torchvision && kind == config.ModelClassification:
		return &family{[]string{"resnet-50", "resnet-101", "resnet-152"}, config.TorchvisionClassification, func(*File) string { return "resnet-50" }}
	case kind != config.ModelMaskRCNN:
		return nil
	}
	_, pyramid := f.Tensor("fpn/output2/kernel")
	switch {
	case s == MMDetection2 && pyramid:
		return resNets(config.MMDet2).styled(style)
	case s == MMDetection3 && pyramid:
		return resNets(config.MMDet3).styled(style)
	}
	switch s {
	case TF1:
		return spineNet(config.TF1)
	case TF2:
		return spineNet(config.TF2)
	case Detectron2:
		return resNets(config.Detectron2)
	case MMDetection1:
		return spineNet(config.MMDet).styled(style)
	case MMDetection2:
		return spineNet(config.MMDetSpineNet2).styled(style)
	case MMDetection3:
		return spineNet(config.MMDetSpineNet3).styled(style)
	case Torchvision:
		return &family{[]string{"v1", "v2"}, config.Torchvision, func(f *File) string {
			if _, ok := f.Tensor("fpn/lateral2/norm/gamma"); ok {
				return "v2"
			}
			return "v1"
		}}
	}
	return nil
}

func (f *File) infer(o Options) (*config.Config, []Assumption, error) {
	system := f.system
	if o.Semantics != "" {
		system = o.Semantics.canonical()
	}
	if o.Style != "" && o.Style != StylePyTorch && o.Style != StyleCaffe {
		return nil, nil, fmt.Errorf("weights: %s: style %q, want %q or %q", f.name, o.Style, StylePyTorch, StyleCaffe)
	}
	style, styleReason := f.style(o)
	family := familyOf(f, system, style)
	if f.system == Native {
		for _, t := range f.tensors {
			if k, ok := networkOf(t.Name); ok {
				return nil, nil, k.error(f.name, nil)
			}
		}
		return nil, nil, kind{fmt.Sprintf("no config in the metadata, and names of no known system%s%s", f.example(), f.notRead()), knownNetworks}.error(f.name, nil)
	}
	if o.Style != "" && system != MMDetection1 && system != MMDetection2 && system != MMDetection3 {
		return nil, nil, fmt.Errorf("weights: %s: style %q: want a file of mmdetection, this has the semantics of %s", f.name, o.Style, system)
	}
	if family == nil {
		if kind := kindOf(f); kind != config.ModelMaskRCNN {
			return nil, nil, fmt.Errorf("weights: %s: a %s, and there are no defaults for those of %q", f.name, kind, system)
		}
		return nil, nil, fmt.Errorf("weights: %s: no defaults for %q", f.name, system)
	}
	if f.backboneOnly() && !o.BackboneOnly {
		return nil, nil, kind{"a backbone of Detectron2 alone, without the other parts of a detector", "a training can begin with it: spinemask train --from FILE"}.error(f.name, nil)
	}
	if kindOf(f) == config.ModelMaskRCNN && f.has("box/class/kernel") && !slices.ContainsFunc(f.tensors, func(t Tensor) bool { return strings.HasPrefix(t.Name, "mask/") }) {
		return nil, nil, kind{"a Faster R-CNN, without a mask head, which is not supported: want Mask R-CNN", knownNetworks}.error(f.name, nil)
	}
	if ratios := f.detectron2.ratios(); system == Detectron2 && len(ratios) > 0 {
		family = family.withRatios(ratios)
	}
	c, err := family.config(family.base(f))
	if err != nil {
		return nil, nil, err
	}
	if problems := measure(f, c); len(problems) > 0 {
		return nil, nil, loadError(f.name, f.problems, problems)
	}
	reason := fmt.Sprintf("default of %s", system)
	published := false
	for _, v := range family.variants {
		p, err := family.config(v)
		if err != nil {
			return nil, nil, err
		}
		if p.Backbone == c.Backbone {
			measure(f, p)
			c, published = p, true
			reason = "as published: " + p.Name
		}
	}
	if !published {
		c.Name = fmt.Sprintf("%s with other sizes (%s)", c.Backbone.Type, system)
		if c.Model != config.ModelMaskRCNN {
			c.Name = string(c.Model) + " " + c.Name
		}
	}
	epsilon := reason
	if known := f.known(); known != "" {
		reason = "known by its SHA-256: " + known
		epsilon = reason
	} else if system == Torchvision {
		epsilon = f.torchvisionEpsilon(c, reason)
	}
	colours := reason
	if f.backboneOnly() && f.texts["__author__"] == "torchvision" { // tools/convert-torchvision-to-d2.py says what it needs
		c.Input.ChannelOrder, c.Input.Std, c.Backbone.StridedConv = "", [3]float64{58.395, 57.12, 57.375}, ""
		colours = "as tools/convert-torchvision-to-d2.py, which made the file, says"
	}
	if f.detectron2 != nil && system == Detectron2 && !f.detectron2.lazy {
		if problems := f.detectron2.apply(c); len(problems) > 0 {
			return nil, nil, loadError(f.name, problems)
		}
	}
	if f.backgroundLast() {
		c.Background = config.BackgroundLast
	}
	named, err := f.setCategories(c, o, system)
	if err != nil {
		return nil, nil, err
	}
	assumed := assumptions(c, o, system, reason, epsilon, named)
	if o.Semantics == "" {
		assumed[0].Reason = f.systemBy
	}
	if system == Detectron2 {
		assumed = f.detectron2.assume(assumed, c, colours)
	}
	if o.Style == "" && c.Backbone.Type == config.BackboneResNetFPN && (system == MMDetection2 || system == MMDetection3) {
		assumed = slices.Insert(assumed, min(1, len(assumed)), Assumption{"style", string(style), styleReason, "Style"})
	}
	return c, assumed, nil
}

// torchvisionEpsilon corrects the epsilon of a config that is not known to be that of the published weights, and says why
// it is what it is. Norms of torchvision have 1e-5 (ops/misc.py, FrozenBatchNorm2d), but those of a ResNet-50 that begins
// with the first COCO weights 0 (models/detection/mask_rcnn.py, overwrite_eps), if they are frozen: then they count no
// batches.
func (f *File) torchvisionEpsilon(c *config.Config, reason string) string {
	if c.NormEpsilon != 0 {
		return reason
	}
	counts := slices.ContainsFunc(f.ignored, func(name string) bool { return strings.HasSuffix(name, ".num_batches_tracked") })
	if c.Backbone.Depth == 50 && !counts {
		return reason + "; 1e-5 if it was trained without the COCO weights"
	}
	c.NormEpsilon = 1e-5
	if counts {
		return "default of torchvision: the norms are not frozen, they count batches"
	}
	return fmt.Sprintf("default of torchvision for a ResNet-%d", c.Backbone.Depth)
}

// rounded counts the tensors that lose digits.
func (f *File) rounded() int {
	n := 0
	for _, t := range f.tensors {
		if t.dtype != t.dtype.Stored() {
			n++
		}
	}
	return n
}

// knownFiles are published files by the start of their SHA-256. It is what torchvision puts into their names (torch.hub
// checks downloads against it); the files themselves have not been hashed for this table.
var knownFiles = map[string]string{
	"bf2d0c1e": "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
	"73cbd019": "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
	"0676ba61": "resnet50-0676ba61.pth",
	"11ad3fa6": "resnet50-11ad3fa6.pth",
	"63fe2227": "resnet101-63fe2227.pth",
	"cd907fc2": "resnet101-cd907fc2.pth",
	"394f9c45": "resnet152-394f9c45.pth",
	"f82ba261": "resnet152-f82ba261.pth",
}

// known returns the name of a published file with the same bytes.
func (f *File) known() string {
	if f.system != Torchvision { // nobody published hashes of the others
		return ""
	}
	sum, err := f.SHA256()
	if err != nil || len(sum) < 8 {
		return ""
	}
	return knownFiles[sum[:8]]
}

// backboneOnly reports whether the file holds a backbone of Detectron2 and nothing of a detector.
func (f *File) backboneOnly() bool {
	return f.system == Detectron2 && len(f.tensors) > 0 && !slices.ContainsFunc(f.tensors, func(t Tensor) bool { return !strings.HasPrefix(t.Name, "backbone/") })
}

// backgroundLast reports whether the file has the background in the last row, whatever the arithmetic around the network.
func (f *File) backgroundLast() bool {
	return f.system == Detectron2 || f.system == MMDetection2 || f.system == MMDetection3
}

// example is the first name of the file, for an error.
func (f *File) example() string {
	if len(f.tensors) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%q, …)", f.tensors[0].Name)
}

// notRead names the first value at the root of the file that may have held what was looked for.
func (f *File) notRead() string {
	for _, t := range f.opaque {
		module, _, _ := strings.Cut(t.opaque, ".")
		if !strings.Contains(t.Name, "/") && !slices.Contains(besideModels, module) {
			return fmt.Sprintf("; %.64q is a %.64q, which is not read", t.Name, t.opaque)
		}
	}
	return ""
}

// besideModels are the modules of values that are options, numbers and logs, not models.
var besideModels = []string{"argparse", "bytes", "collections", "builtins", "__builtin__", "frozenset", "mmengine", "numpy", "omegaconf", "pathlib", "set", "str"}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func inputSize(c *config.Config) string {
	if c.Input.HasSize() {
		return fmt.Sprintf("%d×%d", c.Input.Height, c.Input.Width)
	}
	return fmt.Sprintf("shorter side %d, longer side at most %d", c.Input.MinSize, c.Input.MaxSize)
}
