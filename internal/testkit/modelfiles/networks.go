// Package modelfiles makes small model files of other programs for tests: the names, the layouts and the containers that those programs write, with numbers of no
// meaning. It knows nothing of package weights, which reads them.
package modelfiles

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Tensor is a named array, row-major.
type Tensor struct {
	Name     string
	Shape    []int
	Values   []float32
	FullName string // of a variable of TensorFlow 2, whose Name is a key
}

// positive are names of variances and scales.
var positive = regexp.MustCompile(`running_var|moving_variance|norm\.weight|gamma`)

// New makes a tensor of random numbers that keep the sizes of values: variances and scales about 1, kernels by the number of their inputs.
func New(name string, shape ...int) Tensor {
	h := fnv.New64a()
	h.Write([]byte(name))
	random := rand.New(rand.NewPCG(h.Sum64(), 1))
	n, inputs := 1, 1
	for i, d := range shape {
		n *= d
		if i > 0 {
			inputs *= d
		}
	}
	t := Tensor{Name: name, Shape: shape, Values: make([]float32, n)}
	centre, width := float32(0), float32(0.1)
	switch {
	case positive.MatchString(name):
		centre, width = 1, 0.2
	case len(shape) > 1:
		width = float32(math.Sqrt(6 / float64(inputs)))
	}
	for i := range t.Values {
		t.Values[i] = centre + width*(2*random.Float32()-1)
	}
	return t
}

// Units are the bottlenecks of the stages of a ResNet.
var Units = map[int][4]int{50: {3, 4, 6, 3}, 101: {3, 4, 23, 3}, 152: {3, 8, 36, 3}}

// Detectron2 is a Mask R-CNN with a feature pyramid on a ResNet of a depth, with the names and shapes that it has in Detectron2, and hardly any channels.
func Detectron2(depth, classes int) []Tensor {
	const stem, fpn = 2, 4
	var list []Tensor
	layer := func(name string, shape ...int) {
		list = append(list, New(name+".weight", shape...), New(name+".bias", shape[0]))
	}
	conv := func(name string, out, in, side int) {
		list = append(list, New(name+".weight", out, in, side, side))
		for _, leaf := range []string{"weight", "bias", "running_mean", "running_var"} {
			list = append(list, New(name+".norm."+leaf, out))
		}
	}
	conv("backbone.bottom_up.stem.conv1", stem, 3, 7)
	in := stem
	for i, units := range Units[depth] {
		width := stem << i
		for j := range units {
			unit := fmt.Sprintf("backbone.bottom_up.res%d.%d.", i+2, j)
			if j == 0 {
				conv(unit+"shortcut", 4*width, in, 1)
			}
			conv(unit+"conv1", width, in, 1)
			conv(unit+"conv2", width, width, 3)
			conv(unit+"conv3", 4*width, width, 1)
			in = 4 * width
		}
	}
	for l := 2; l <= 5; l++ {
		layer(fmt.Sprintf("backbone.fpn_lateral%d", l), fpn, 4*stem<<(l-2), 1, 1)
		layer(fmt.Sprintf("backbone.fpn_output%d", l), fpn, fpn, 3, 3)
	}
	layer("proposal_generator.rpn_head.conv", fpn, fpn, 3, 3)
	layer("proposal_generator.rpn_head.objectness_logits", 3, fpn, 1, 1)
	layer("proposal_generator.rpn_head.anchor_deltas", 12, fpn, 1, 1)
	layer("roi_heads.box_head.fc1", 6, fpn*7*7)
	layer("roi_heads.box_head.fc2", 6, 6)
	layer("roi_heads.box_predictor.cls_score", classes+1, 6)
	layer("roi_heads.box_predictor.bbox_pred", 4*classes, 6)
	for i := range 4 {
		layer(fmt.Sprintf("roi_heads.mask_head.mask_fcn%d", i+1), fpn, fpn, 3, 3)
	}
	list = append(list, New("roi_heads.mask_head.deconv.weight", fpn, fpn, 2, 2), New("roi_heads.mask_head.deconv.bias", fpn))
	layer("roi_heads.mask_head.predictor", classes, fpn, 1, 1)
	return list
}

// renaming is a list of patterns and what names become, the first that fits.
type renaming []struct{ pattern, to string }

func (r renaming) apply(list []Tensor) []Tensor {
	patterns := make([]*regexp.Regexp, len(r))
	for i, rule := range r {
		patterns[i] = regexp.MustCompile("^" + rule.pattern + "$")
	}
	var out []Tensor
	for _, t := range list {
		for i, p := range patterns {
			if p.MatchString(t.Name) {
				t.Name = p.ReplaceAllString(t.Name, r[i].to)
				break
			}
		}
		out = append(out, t)
	}
	return out
}

// MMDetection gives a network of Detectron2 the names of mmdetection 2.x and 3.x.
func MMDetection(list []Tensor) []Tensor {
	return numbered(renaming{
		{`backbone\.bottom_up\.stem\.conv1\.norm\.(\w+)`, "backbone.bn1.$1"},
		{`backbone\.bottom_up\.stem\.conv1\.(\w+)`, "backbone.conv1.$1"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\.norm\.(\w+)`, "backbone.layer#$1.$2.downsample.1.$3"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\.(\w+)`, "backbone.layer#$1.$2.downsample.0.$3"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\.norm\.(\w+)`, "backbone.layer#$1.$2.bn$3.$4"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\.(\w+)`, "backbone.layer#$1.$2.conv$3.$4"},
		{`backbone\.fpn_lateral(\d)\.(\w+)`, "neck.lateral_convs.##$1.conv.$2"},
		{`backbone\.fpn_output(\d)\.(\w+)`, "neck.fpn_convs.##$1.conv.$2"},
		{`proposal_generator\.rpn_head\.conv\.(\w+)`, "rpn_head.rpn_conv.$1"},
		{`proposal_generator\.rpn_head\.objectness_logits\.(\w+)`, "rpn_head.rpn_cls.$1"},
		{`proposal_generator\.rpn_head\.anchor_deltas\.(\w+)`, "rpn_head.rpn_reg.$1"},
		{`roi_heads\.box_head\.fc(\d)\.(\w+)`, "roi_head.bbox_head.shared_fcs.#$1.$2"},
		{`roi_heads\.box_predictor\.cls_score\.(\w+)`, "roi_head.bbox_head.fc_cls.$1"},
		{`roi_heads\.box_predictor\.bbox_pred\.(\w+)`, "roi_head.bbox_head.fc_reg.$1"},
		{`roi_heads\.mask_head\.mask_fcn(\d)\.(\w+)`, "roi_head.mask_head.convs.#$1.conv.$2"},
		{`roi_heads\.mask_head\.deconv\.(\w+)`, "roi_head.mask_head.upsample.$1"},
		{`roi_heads\.mask_head\.predictor\.(\w+)`, "roi_head.mask_head.conv_logits.$1"},
	}.apply(list))
}

// Torchvision gives it the names of torchvision, and the background the first row.
func Torchvision(list []Tensor) []Tensor {
	return numbered(renaming{
		{`backbone\.bottom_up\.stem\.conv1\.norm\.(\w+)`, "backbone.body.bn1.$1"},
		{`backbone\.bottom_up\.stem\.conv1\.(\w+)`, "backbone.body.conv1.$1"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\.norm\.(\w+)`, "backbone.body.layer#$1.$2.downsample.1.$3"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\.(\w+)`, "backbone.body.layer#$1.$2.downsample.0.$3"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\.norm\.(\w+)`, "backbone.body.layer#$1.$2.bn$3.$4"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\.(\w+)`, "backbone.body.layer#$1.$2.conv$3.$4"},
		{`backbone\.fpn_lateral(\d)\.(\w+)`, "backbone.fpn.inner_blocks.##$1.0.$2"},
		{`backbone\.fpn_output(\d)\.(\w+)`, "backbone.fpn.layer_blocks.##$1.0.$2"},
		{`proposal_generator\.rpn_head\.conv\.(\w+)`, "rpn.head.conv.0.0.$1"},
		{`proposal_generator\.rpn_head\.objectness_logits\.(\w+)`, "rpn.head.cls_logits.$1"},
		{`proposal_generator\.rpn_head\.anchor_deltas\.(\w+)`, "rpn.head.bbox_pred.$1"},
		{`roi_heads\.box_head\.fc1\.(\w+)`, "roi_heads.box_head.fc6.$1"},
		{`roi_heads\.box_head\.fc2\.(\w+)`, "roi_heads.box_head.fc7.$1"},
		{`roi_heads\.mask_head\.mask_fcn(\d)\.(\w+)`, "roi_heads.mask_head.#$1.0.$2"},
		{`roi_heads\.mask_head\.deconv\.(\w+)`, "roi_heads.mask_predictor.conv5_mask.$1"},
		{`roi_heads\.mask_head\.predictor\.(\w+)`, "roi_heads.mask_predictor.mask_fcn_logits.$1"},
	}.apply(backgroundFirst(list)))
}

// Caffe2 gives it the names that Detectron's nets have, folds no norms, and gives the background the first row.
func Caffe2(list []Tensor) []Tensor {
	last := map[string]string{}
	unit := regexp.MustCompile(`res(\d)\.(\d+)\.conv1\.weight$`)
	for _, t := range list { // units of a stage come in order
		if m := unit.FindStringSubmatch(t.Name); m != nil {
			last[m[1]] = m[2]
		}
	}
	out := renaming{
		{`backbone\.bottom_up\.stem\.conv1\.norm\.(\w+)`, "res_conv1_bn_$1"},
		{`backbone\.bottom_up\.stem\.conv1\.(\w+)`, "conv1_$1"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\.norm\.(\w+)`, "res${1}_${2}_branch1_bn_$3"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\.(\w+)`, "res${1}_${2}_branch1_$3"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\.norm\.(\w+)`, "res${1}_${2}_branch2@${3}_bn_$4"},
		{`backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\.(\w+)`, "res${1}_${2}_branch2@${3}_$4"},
		{`backbone\.fpn_lateral5\.(\w+)`, "fpn_inner_res5_~5_sum_$1"},
		{`backbone\.fpn_lateral(\d)\.(\w+)`, "fpn_inner_res${1}_~${1}_sum_lateral_$2"},
		{`backbone\.fpn_output(\d)\.(\w+)`, "fpn_res${1}_~${1}_sum_$2"},
		{`proposal_generator\.rpn_head\.conv\.(\w+)`, "conv_rpn_fpn2_$1"},
		{`proposal_generator\.rpn_head\.objectness_logits\.(\w+)`, "rpn_cls_logits_fpn2_$1"},
		{`proposal_generator\.rpn_head\.anchor_deltas\.(\w+)`, "rpn_bbox_pred_fpn2_$1"},
		{`roi_heads\.box_head\.fc1\.(\w+)`, "fc6_$1"},
		{`roi_heads\.box_head\.fc2\.(\w+)`, "fc7_$1"},
		{`roi_heads\.box_predictor\.(\w+)\.(\w+)`, "${1}_$2"},
		{`roi_heads\.mask_head\.mask_fcn(\d)\.(\w+)`, "_[mask]_fcn${1}_$2"},
		{`roi_heads\.mask_head\.deconv\.(\w+)`, "conv5_mask_$1"},
		{`roi_heads\.mask_head\.predictor\.(\w+)`, "mask_fcn_logits_$1"},
	}.apply(backgroundFirst(list))
	leaf := strings.NewReplacer("_bn_weight", "_bn_s", "_bn_bias", "_bn_b", "_bn_running_mean", "_bn_rm", "_bn_running_var", "_bn_riv", "_weight", "_w", "_bias", "_b",
		"@1", "a", "@2", "b", "@3", "c", "~2", last["2"], "~3", last["3"], "~4", last["4"], "~5", last["5"])
	for i := range out {
		out[i].Name = leaf.Replace(out[i].Name)
	}
	return out
}

// numbered replaces #n by n − 1, and ##n by n − 2.
func numbered(list []Tensor) []Tensor {
	mark := regexp.MustCompile(`##?\d`)
	for i := range list {
		list[i].Name = mark.ReplaceAllStringFunc(list[i].Name, func(s string) string {
			return fmt.Sprint(int(s[len(s)-1]-'0') - strings.Count(s, "#"))
		})
	}
	return list
}

// backgroundFirst moves the class row of the background from the end to the beginning, and gives it a box and a mask.
func backgroundFirst(list []Tensor) []Tensor {
	out := slices.Clone(list)
	for i, t := range out {
		rows := map[string]int{"cls_score": 1, "bbox_pred": 4, "predictor": 1}[strings.Split(t.Name, ".")[max(0, strings.Count(t.Name, ".")-1)]]
		if rows == 0 {
			continue
		}
		shape := slices.Clone(t.Shape)
		row := len(t.Values) / shape[0]
		switch {
		case strings.Contains(t.Name, "cls_score"):
			at := len(t.Values) - row
			t.Values = slices.Concat(t.Values[at:], t.Values[:at])
		default:
			t.Values = slices.Concat(make([]float32, rows*row), t.Values)
			shape[0] += rows
		}
		out[i] = Tensor{Name: t.Name, Shape: shape, Values: t.Values}
	}
	return out
}

// Listed are tensors of the names and shapes in a list of a running original: a line each, of the name, of TensorFlow 2 the full name, and the shape, gzipped. What
// belongs to training is left out.
func Listed(file string) ([]Tensor, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var list []Tensor
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		cells := strings.Split(lines.Text(), "\t")
		at := slices.IndexFunc(cells, func(c string) bool { return strings.HasPrefix(c, "[") })
		var shape []int
		if at < 1 || json.Unmarshal([]byte(cells[at]), &shape) != nil {
			return nil, fmt.Errorf("%s: %q: want a name and a shape", file, lines.Text())
		}
		if len(shape) == 0 || strings.Contains(cells[0], "OPTIMIZER_SLOT") || strings.HasSuffix(cells[0], "/Momentum") {
			continue
		}
		t := New(cells[0], shape...)
		if at > 1 {
			t.FullName = cells[1]
		}
		list = append(list, t)
	}
	return list, lines.Err()
}
