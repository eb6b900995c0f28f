package weights

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// translateTF1 translates the variables of tensorflow/tpu's models: Mask R-CNN, RetinaNet and the classifier with a
// SpineNet backbone of any size. Layouts are ours already. The original makes layers in a fixed order and numbers them by kind in each scope
// (modeling/architecture/spinenet.py, heads.py); numbers and shapes tell the rest.
func translateTF1(vars []Tensor) *translation {
	tr := &translation{}
	var rest []Tensor
	for _, v := range vars {
		switch {
		case tf1Ignored(v):
			tr.ignored = append(tr.ignored, v.Name)
		default:
			rest = append(rest, v)
		}
	}
	n := countTF1(rest)
	stem := n.stem()
	for _, v := range rest {
		module, leaf := path.Split(v.Name)
		place, ok := n.place(strings.TrimSuffix(module, "/"), stem)
		if suffix, known := tfLeaves[leaf]; ok && known {
			if strings.Contains(path.Base(place), "norm") { // the norm of a level, rpn/conv0/norm3
				suffix = strings.TrimPrefix(suffix, "norm/")
			}
			tr.add(v, place+"/"+suffix)
		} else {
			tr.unexpected(v)
		}
	}
	return tr
}

// tfLeaves are the variables of a layer and of its batch norm.
var tfLeaves = map[string]string{
	"kernel": "kernel", "bias": "bias",
	"gamma": "norm/gamma", "beta": "norm/beta", "moving_mean": "norm/mean", "moving_variance": "norm/variance",
}

// tf1Ignored reports whether a variable belongs to training only: counters and the slots of optimizers.
func tf1Ignored(v Tensor) bool {
	switch path.Base(v.Name) {
	case "Momentum", "ExponentialMovingAverage", "Adam", "Adam_1", "RMSProp", "RMSProp_1":
		return true
	}
	switch v.Name {
	case "global_step", "beta1_power", "beta2_power":
		return true
	}
	return false
}

// numbered splits off the number that TF appends to repeated layers: "conv2d" is 0, "conv2d_3" is 3.
var numbered = regexp.MustCompile(`^(.*/)?(conv2d|batch_normalization)(?:_(\d{1,4}))?$`)

// tf1Count holds what must be known of all names before one can be placed.
type tf1Count struct {
	stemKernels []Tensor       // spinenet/conv2d…, by number; an empty name where one is missing
	unitConvs   map[string]int // block scope → convolutions in one unit
	boxConvs    int
	maskConvs   int
	levels      []int // that have a norm in the RPN or the RetinaNet head
}

func countTF1(vars []Tensor) tf1Count {
	n := tf1Count{unitConvs: map[string]int{}}
	for _, v := range vars {
		module, ok := strings.CutSuffix(v.Name, "/kernel")
		if !ok {
			if path.Base(v.Name) != "gamma" {
				continue
			}
			if m := tf1RPNNorm.FindStringSubmatch(path.Dir(v.Name)); m != nil {
				n.levels = append(n.levels, index(m[1]))
			}
			if m := tf1Retina.FindStringSubmatch(path.Dir(v.Name)); m != nil && m[3] != "" {
				n.levels = append(n.levels, index(m[3]))
			}
			continue
		}
		m := numbered.FindStringSubmatch(module)
		switch {
		case m != nil && m[1] == "spinenet/":
			k := index(m[3])
			if k >= len(vars) { // cannot be: layers are numbered without gaps
				continue
			}
			if k >= len(n.stemKernels) {
				n.stemKernels = append(n.stemKernels, make([]Tensor, k+1-len(n.stemKernels))...)
			}
			n.stemKernels[k] = v
		case m != nil && m[3] == "": // the first convolution of a block tells its kind
			n.unitConvs[m[1]] = 2
			if v.spatial(1) {
				n.unitConvs[m[1]] = 3
			}
		case strings.HasPrefix(module, "fast_rcnn_head/conv_"):
			n.boxConvs++
		case strings.HasPrefix(module, "mask_head/mask-conv-l"):
			n.maskConvs++
		}
	}
	slices.Sort(n.levels)
	n.levels = slices.Compact(n.levels)
	return n
}

// stem gives each numbered layer directly under spinenet/ its place: the first convolution, a projection where the first
// block needs one (made before the block's other layers), two groups of bottlenecks, one endpoint per level.
func (n tf1Count) stem() []string {
	k := n.stemKernels
	if len(k) == 0 {
		return nil
	}
	places := []string{"backbone/stem/conv"}
	i := 1
	if len(k) > 3 && k[1].spatial(1) && k[2].spatial(1) && k[3].spatial(3) {
		places = append(places, "backbone/stem/group0/unit0/shortcut")
		i++
	}
	units := 0
	for j := i; j+2 < len(k) && k[j].spatial(1) && k[j+1].spatial(3) && k[j+2].spatial(1); j += 3 {
		units++
	}
	perGroup := max(1, (units+1)/2)
	for u := range units {
		for c := range 3 {
			places = append(places, fmt.Sprintf("backbone/stem/group%d/unit%d/conv%d", u/perGroup, u%perGroup, c))
		}
	}
	first := 3 // SpineNet's networks start at level 3
	if len(n.levels) > 0 {
		first = n.levels[0]
	}
	for l := first; len(places) < len(k); l++ {
		places = append(places, fmt.Sprintf("backbone/endpoint%d", l))
	}
	return places
}

var (
	tf1Resample = regexp.MustCompile(`^spinenet/sub_policy(\d{1,4})/resample_with_alpha_resample_\d{1,4}_([01])/$`)
	tf1Block    = regexp.MustCompile(`^spinenet/sub_policy(\d{1,4})/scale_permuted_block_\d{1,4}/$`)
	tf1RPNConv  = regexp.MustCompile(`^rpn_head/rpn(?:[-_](\d{1,4}))?$`)
	tf1RPNNorm  = regexp.MustCompile(`^rpn_head/rpn-l(\d{1,4})-bn(?:-(\d{1,4}))?$`)
	tf1Retina   = regexp.MustCompile(`^retinanet/(class|box)_net/(?:class|box)-(\d{1,4})(?:-(\d{1,4}))?$`)
	tf1Head     = regexp.MustCompile(`^(fast_rcnn_head/conv_|fast_rcnn_head/fc|mask_head/mask-conv-l)(\d{1,4})$`)
)

// place is the native place of a layer.
func (n tf1Count) place(module string, stem []string) (string, bool) {
	switch module {
	case "rpn_head/rpn-class":
		return "rpn/objectness", true
	case "rpn_head/rpn-box":
		return "rpn/deltas", true
	case "fast_rcnn_head/class-predict":
		return "box/class", true
	case "fast_rcnn_head/box-predict":
		return "box/deltas", true
	case "mask_head/conv5-mask":
		return "mask/deconv", true
	case "mask_head/mask_fcn_logits":
		return "mask/logits", true
	case "retinanet/class_net/class-predict":
		return "retina/class/predict", true
	case "retinanet/box_net/box-predict":
		return "retina/box/predict", true
	case "classification_head/dense":
		return "classifier", true
	}
	if m := tf1Retina.FindStringSubmatch(module); m != nil {
		place := fmt.Sprintf("retina/%s/conv%d", m[1], index(m[2]))
		if m[3] != "" {
			place = fmt.Sprintf("%s/norm%d", place, index(m[3]))
		}
		return place, true
	}
	if m := tf1RPNConv.FindStringSubmatch(module); m != nil {
		return fmt.Sprintf("rpn/conv%d", index(m[1])), true
	}
	if m := tf1RPNNorm.FindStringSubmatch(module); m != nil {
		return fmt.Sprintf("rpn/conv%d/norm%d", index(m[2]), index(m[1])), true
	}
	if m := tf1Head.FindStringSubmatch(module); m != nil {
		switch i := index(m[2]); m[1] {
		case "fast_rcnn_head/conv_":
			return fmt.Sprintf("box/conv%d", i), true
		case "fast_rcnn_head/fc": // the first is fc6, as in VGG-16
			return fmt.Sprintf("box/fc%d", i-6), i >= 6
		default:
			return fmt.Sprintf("mask/conv%d", i), true
		}
	}
	m := numbered.FindStringSubmatch(module)
	if m == nil {
		return "", false
	}
	k := index(m[3])
	switch scope := m[1]; {
	case scope == "spinenet/":
		if k >= len(stem) {
			return "", false
		}
		return stem[k], true
	case scope == "fast_rcnn_head/" && m[2] == "batch_normalization":
		if k < n.boxConvs {
			return fmt.Sprintf("box/conv%d", k), true
		}
		return fmt.Sprintf("box/fc%d", k-n.boxConvs), true
	case scope == "mask_head/" && m[2] == "batch_normalization":
		if k < n.maskConvs {
			return fmt.Sprintf("mask/conv%d", k), true
		}
		return "mask/deconv", k == n.maskConvs
	}
	if r := tf1Resample.FindStringSubmatch(m[1]); r != nil {
		return fmt.Sprintf("backbone/block%02d/resample%s/conv%d", index(r[1]), r[2], k), true
	}
	if b := tf1Block.FindStringSubmatch(m[1]); b != nil {
		convs := max(1, n.unitConvs[m[1]])
		return fmt.Sprintf("backbone/block%02d/unit%d/conv%d", index(b[1]), k/convs, k%convs), true
	}
	return "", false
}
