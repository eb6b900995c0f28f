package weights

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testweights/formula"
	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/stretchr/testify/require"
)

// torchNames lists names and shapes of a state dictionary, with the other name that old files have.
func torchNames(t *testing.T, file string) (names, old []string, shapes [][]int) {
	for line := range strings.Lines(unzip(t, file)) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		var shape []int
		require.NoError(t, json.Unmarshal([]byte(cells[1]), &shape))
		names, old, shapes = append(names, cells[0]), append(old, cells[len(cells)-1]), append(shapes, shape)
	}
	return names, old, shapes
}

// at returns an element of a tensor.
func at(t *testing.T, f *File, name string, index ...int) float32 {
	v, ok := f.Tensor(name)
	require.True(t, ok, name)
	values, err := v.Float32(nil)
	require.NoError(t, err)
	require.Len(t, index, len(v.Shape), name)
	i := 0
	for axis, k := range index {
		require.Less(t, k, v.Shape[axis], name)
		i = i*v.Shape[axis] + k
	}
	return values[i]
}

// torchFile is a file of values by formula, with the same value at the same place of the same name.
type torchFile struct {
	t      *testing.T
	values map[string][]float32
	shapes map[string][]int
}

func newTorchFile(t *testing.T, names []string, shapes [][]int) *torchFile {
	f := &torchFile{t, map[string][]float32{}, map[string][]int{}}
	for i, name := range names {
		f.values[name] = formula.Values(name, product(shapes[i]), 1, 0)
		f.shapes[name] = shapes[i]
	}
	return f
}

func (f *torchFile) at(name string, index ...int) float32 {
	shape, ok := f.shapes[name]
	require.True(f.t, ok, name)
	i := 0
	for axis, k := range index {
		i = i*shape[axis] + k
	}
	return f.values[name][i]
}

// tensors puts them under other names.
func (f *torchFile) tensors(rename func(string) string) []Tensor {
	var list []Tensor
	for _, name := range sortedKeys(f.values) {
		v := NewTensor(rename(name), f.shapes[name], f.values[name])
		if strings.HasSuffix(name, "num_batches_tracked") {
			v = Tensor{Name: v.Name, dtype: dtype.I64, stored: storage{reader: zeros{}, size: 8}}
		}
		list = append(list, v)
	}
	return list
}

// TestTorchvisionLayouts translates networks with a sixteenth of the channels and compares single elements.
func TestTorchvisionLayouts(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		names, old, shapes := torchNames(t, "torchvision_"+version+".tsv.gz")
		for _, shape := range shapes {
			for i, d := range shape {
				if d >= 64 && d != 91 && d != 364 {
					shape[i] = d / 16
				}
			}
		}
		src := newTorchFile(t, names, shapes)
		oldName := map[string]string{}
		for i, n := range names {
			oldName[n] = old[i]
		}
		for _, rename := range []func(string) string{
			func(s string) string { return s },
			func(s string) string { return oldName[s] },
			func(s string) string { return "model/module." + s },
		} {
			list := append(src.tensors(rename), NewTensor("optimizer/state/0/momentum_buffer", []int{1}, []float32{0}))
			f, err := FromTensors(version, list, nil)
			require.NoError(t, err)
			require.Equal(t, Torchvision, f.system)
			require.Equal(t, []string{"optimizer/state/0/momentum_buffer"}, f.ignored)
			require.Len(t, f.tensors, len(names))
			c, assumed, err := f.Config(Options{})
			require.NoError(t, err)
			want, err := config.Torchvision(version)
			require.NoError(t, err)
			want.Name = "resnet_fpn with other sizes (torchvision)"
			want.Backbone.Endpoints, want.RPN.Filters, want.MaskHead.Filters = 16, 16, 16
			want.Backbone.Stem, want.Backbone.Bottleneck, want.Backbone.Stage = 4, 4, 16
			want.BoxHead.Filters = map[string]int{"v1": 0, "v2": 16}[version]
			want.BoxHead.FC = map[string][]int{"v1": {64, 64}, "v2": {64}}[version]
			require.Equal(t, want, c)
			require.Contains(t, assumed[2].String(), map[string]string{"v1": "norm_epsilon = 0 (default of torchvision; 1e-5 if", "v2": "norm_epsilon = 1e-05 (default"}[version])
			equal := func(native string, place []int, name string, index ...int) {
				require.Equal(t, src.at(name, index...), at(t, f, native, place...), "%s %v", native, place)
			}
			equal("backbone/stem/conv/kernel", []int{6, 5, 2, 3}, "backbone.body.conv1.weight", 3, 2, 6, 5)
			equal("backbone/stem/conv/norm/gamma", []int{3}, "backbone.body.bn1.weight", 3)
			equal("backbone/stage2/unit0/shortcut/kernel", []int{0, 0, 1, 7}, "backbone.body.layer1.0.downsample.0.weight", 7, 1, 0, 0)
			equal("backbone/stage2/unit0/shortcut/norm/beta", []int{7}, "backbone.body.layer1.0.downsample.1.bias", 7)
			equal("backbone/stage4/unit5/conv1/norm/variance", []int{9}, "backbone.body.layer3.5.bn2.running_var", 9)
			equal("backbone/stage5/unit2/conv2/norm/mean", []int{9}, "backbone.body.layer4.2.bn3.running_mean", 9)
			equal("fpn/lateral5/kernel", []int{0, 0, 100, 3}, "backbone.fpn.inner_blocks.3.0.weight", 3, 100, 0, 0)
			equal("fpn/output2/kernel", []int{1, 2, 5, 3}, "backbone.fpn.layer_blocks.0.0.weight", 3, 5, 1, 2)
			equal("rpn/conv0/kernel", []int{1, 2, 5, 3}, "rpn.head.conv.0.0.weight", 3, 5, 1, 2)
			equal("rpn/objectness/kernel", []int{0, 0, 5, 2}, "rpn.head.cls_logits.weight", 2, 5, 0, 0)
			for ours, theirs := range []int{1, 0, 3, 2} { // dy, dx, dh, dw and dx, dy, dw, dh
				equal("rpn/deltas/kernel", []int{0, 0, 5, 8 + ours}, "rpn.head.bbox_pred.weight", 8+theirs, 5, 0, 0)
				equal("rpn/deltas/bias", []int{4 + ours}, "rpn.head.bbox_pred.bias", 4+theirs)
				equal("box/deltas/kernel", []int{5, 4*17 + ours}, "roi_heads.box_predictor.bbox_pred.weight", 4*17+theirs, 5)
				equal("box/deltas/bias", []int{4*17 + ours}, "roi_heads.box_predictor.bbox_pred.bias", 4*17+theirs)
			}
			fc := map[string]string{"v1": "fc6", "v2": "5"}[version]
			for _, k := range []struct{ y, x, c, out int }{{0, 0, 0, 0}, {0, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 1, 0}, {6, 5, 15, 63}} {
				equal("box/fc0/kernel", []int{(k.y*7+k.x)*16 + k.c, k.out}, "roi_heads.box_head."+fc+".weight", k.out, (k.c*7+k.y)*7+k.x)
			}
			equal("box/class/kernel", []int{5, 90}, "roi_heads.box_predictor.cls_score.weight", 90, 5)
			equal("mask/conv3/kernel", []int{1, 2, 5, 3}, "roi_heads.mask_head.3.0.weight", 3, 5, 1, 2)
			equal("mask/deconv/kernel", []int{1, 0, 3, 5}, "roi_heads.mask_predictor.conv5_mask.weight", 5, 3, 1, 0)
			equal("mask/logits/kernel", []int{0, 0, 5, 90}, "roi_heads.mask_predictor.mask_fcn_logits.weight", 90, 5, 0, 0)
			if version == "v1" {
				equal("box/fc1/kernel", []int{5, 3}, "roi_heads.box_head.fc7.weight", 3, 5)
			} else {
				equal("fpn/lateral2/norm/gamma", []int{3}, "backbone.fpn.inner_blocks.0.1.weight", 3)
				equal("rpn/conv1/bias", []int{3}, "rpn.head.conv.1.0.bias", 3)
				equal("box/conv3/norm/beta", []int{3}, "roi_heads.box_head.3.1.bias", 3)
				equal("mask/conv2/norm/mean", []int{3}, "roi_heads.mask_head.2.1.running_mean", 3)
			}
		}
	}
}

// TestTorchvisionSizes measures the published networks.
func TestTorchvisionSizes(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		names, _, shapes := torchNames(t, "torchvision_"+version+".tsv.gz")
		var list []Tensor
		for i, name := range names {
			list = append(list, shaped(name, shapes[i]...))
		}
		f, err := FromTensors(version, list, nil)
		require.NoError(t, err)
		c, assumed, err := f.Config(Options{})
		require.NoError(t, err)
		want, err := config.Torchvision(version)
		require.NoError(t, err)
		require.Equal(t, want, c)
		require.Equal(t, "as published: "+want.Name, assumed[1].Reason)
	}
}

// TestTorchvisionEpsilon: 0 is only for the frozen norms of a ResNet-50 that begins with the COCO weights
// (models/detection/mask_rcnn.py: FrozenBatchNorm2d where weights are given, else BatchNorm2d; overwrite_eps).
func TestTorchvisionEpsilon(t *testing.T) {
	names, _, shapes := torchNames(t, "torchvision_v1.tsv.gz")
	var frozen []Tensor
	for i, name := range names {
		frozen = append(frozen, shaped(name, shapes[i]...))
	}
	counting := append(slices.Clone(frozen), Tensor{Name: "backbone.body.bn1.num_batches_tracked", Shape: []int{}, dtype: dtype.I64, stored: storage{reader: zeros{}, size: 8}})
	deeper := slices.Clone(frozen)
	for unit := 6; unit < 23; unit++ { // layer3 of a ResNet-101
		for _, v := range frozen {
			if leaf, ok := strings.CutPrefix(v.Name, "backbone.body.layer3.5."); ok {
				v.Name = fmt.Sprintf("backbone.body.layer3.%d.%s", unit, leaf)
				deeper = append(deeper, v)
			}
		}
	}
	for _, c := range []struct {
		tensors []Tensor
		o       Options
		want    float64
		reason  string
	}{
		{frozen, Options{}, 0, "as published: maskrcnn_resnet50_fpn v1 (torchvision); 1e-5 if it was trained without the COCO weights"},
		{counting, Options{}, 1e-5, "default of torchvision: the norms are not frozen, they count batches"},
		{deeper, Options{}, 1e-5, "default of torchvision for a ResNet-101"},
		{frozen, Options{NormEpsilon: new(1e-5)}, 1e-5, ""},
		{counting, Options{NormEpsilon: new(0.)}, 0, ""},
	} {
		f, err := FromTensors("x", c.tensors, nil)
		require.NoError(t, err)
		got, assumed, err := f.Config(c.o)
		require.NoError(t, err)
		require.Equal(t, c.want, got.NormEpsilon)
		i := slices.IndexFunc(assumed, func(a Assumption) bool { return a.Field == "norm_epsilon" })
		if c.reason == "" {
			require.Equal(t, -1, i)
			continue
		}
		require.Equal(t, Assumption{"norm_epsilon", number(c.want), c.reason, "NormEpsilon"}, assumed[i])
	}
}

func TestOtherNetworksOfTorchvisionAreNamed(t *testing.T) {
	stem := shaped("backbone.body.conv1.weight", 64, 3, 7, 7)
	_, err := FromTensors("m", []Tensor{stem, shaped("head.classification_head.cls_logits.weight", 819, 256, 3, 3)}, nil)
	require.EqualError(t, err, "weights: m: a RetinaNet (1 tensors such as head.classification_head.cls_logits), which is not read of this system: want Mask R-CNN")
	_, err = FromTensors("m", []Tensor{shaped(mmdetResNetMarker, 256, 256, 1, 1), shaped("bbox_head.fc_cls.weight", 81, 1024), shaped("mask_head.conv_logits.weight", 81, 256, 1, 1)}, nil)
	require.EqualError(t, err, "weights: m: a ResNet-FPN of mmdetection 1.x, which is not read: want one of 2.x or 3.x")
	f, err := FromTensors("m", []Tensor{stem, shaped("roi_heads.box_predictor.cls_score.weight", 91, 1024), shaped("rpn.head.cls_logits.weight", 3, 256, 1, 1)}, nil)
	require.NoError(t, err)
	_, _, err = f.Config(Options{})
	require.EqualError(t, err, "weights: m: a Faster R-CNN, without a mask head, which is not supported: want Mask R-CNN")
	f, err = FromTensors("m", []Tensor{stem, shaped("backbone.body.layer1.0.conv2.weight", 64, 64, 3, 3)}, nil)
	require.NoError(t, err)
	_, _, err = f.Config(Options{})
	require.ErrorContains(t, err, "backbone: no block has three convolutions, want a ResNet of 50, 101 or 152 layers")
}

// TestMMDetLayouts translates the names of mmdetection 1.1, and the same network with the names and class rows of 2.x:
// fc_cls rows 1…K, 0, fc_reg rows 4…, conv_logits rows 1… of 1.1.
func TestMMDetLayouts(t *testing.T) {
	names, _, shapes := torchNames(t, "mmdet_tiny.tsv.gz")
	src := newTorchFile(t, names, shapes)
	first, err := FromTensors("1.1", src.tensors(func(s string) string { return "state_dict/" + s }), nil)
	require.NoError(t, err)
	require.Equal(t, MMDetection1, first.system)
	for _, name := range first.ignored {
		require.True(t, strings.HasSuffix(name, ".num_batches_tracked"), name)
	}
	c, assumed, err := first.Config(Options{})
	require.NoError(t, err)
	require.Equal(t, 0.08, c.Backbone.FilterScale)
	require.Equal(t, 6, c.Classes())
	require.False(t, c.BoxHead.FCNorm || c.MaskHead.DeconvNorm || c.RPN.Norm)
	require.NotEmpty(t, assumed)
	require.NoError(t, Check(first, wants(t, c)))
	equal := func(native string, place []int, name string, index ...int) {
		require.Equal(t, src.at(name, index...), at(t, first, native, place...), "%s %v", native, place)
	}
	equal("backbone/stem/group0/unit0/shortcut/kernel", []int{0, 0, 9, 3}, "backbone.init_block1.0.downsample.0.weight", 3, 9, 0, 0)
	equal("backbone/stem/group1/unit0/conv1/kernel", []int{1, 2, 4, 3}, "backbone.init_block2.0.conv2.weight", 3, 4, 1, 2)
	equal("backbone/block00/resample1/conv1/kernel", []int{0, 0, 1, 7}, "backbone.merge_ops.0.resample_ops.1.expand_conv.conv.weight", 7, 1, 0, 0)
	equal("backbone/block13/resample0/conv1/kernel", []int{2, 1, 3, 4}, "backbone.merge_ops.13.resample_ops.0.downsample_conv.conv.weight", 4, 3, 2, 1)
	equal("backbone/block13/resample0/conv2/norm/mean", []int{7}, "backbone.merge_ops.13.resample_ops.0.expand_conv.bn.running_mean", 7)
	equal("backbone/block01/unit0/conv1/norm/gamma", []int{7}, "backbone.scale_permuted_blocks.1.0.bn2.weight", 7)
	equal("backbone/endpoint6/kernel", []int{0, 0, 9, 3}, "backbone.endpoint_convs.6.conv.weight", 3, 9, 0, 0)
	equal("rpn/deltas/bias", []int{4}, "rpn_head.rpn_reg.bias", 5)
	equal("box/fc0/kernel", []int{(2*7+3)*16 + 5, 31}, "bbox_head.shared_fcs.0.weight", 31, (5*7+2)*7+3)
	equal("box/class/kernel", []int{31, 5}, "bbox_head.fc_cls.weight", 5, 31)
	equal("box/deltas/kernel", []int{31, 22}, "bbox_head.fc_reg.weight", 23, 31)
	equal("mask/deconv/kernel", []int{1, 0, 3, 4}, "mask_head.upsample.weight", 4, 3, 1, 0)

	list := src.tensors(func(s string) string {
		if strings.HasPrefix(s, "bbox_head.") || strings.HasPrefix(s, "mask_head.") {
			return "roi_head." + s
		}
		return s
	})
	for i, v := range list {
		row := 1
		if len(v.Shape) > 1 {
			row = product(v.Shape[1:])
		}
		values, _ := v.Float32(nil)
		switch {
		case strings.Contains(v.Name, "fc_cls"):
			values = append(append([]float32{}, values[row:]...), values[:row]...)
		case strings.Contains(v.Name, "fc_reg"):
			values = values[4*row:]
			v.Shape = append([]int{v.Shape[0] - 4}, v.Shape[1:]...)
		case strings.Contains(v.Name, "conv_logits"):
			values = values[row:]
			v.Shape = append([]int{v.Shape[0] - 1}, v.Shape[1:]...)
		default:
			continue
		}
		list[i] = NewTensor(v.Name, v.Shape, values)
	}
	second, err := FromTensors("2.x", list, nil)
	require.NoError(t, err)
	require.Equal(t, MMDetection2, second.system)
	c, assumed, err = second.Config(Options{})
	require.NoError(t, err)
	require.Equal(t, config.BackgroundLast, c.Background)
	require.Equal(t, config.NMSRuleOffsetAllGT, c.RPN.NMSRule)
	require.Equal(t, "semantics = mmdetection2 (names in the file)", assumed[0].String())
	requireSameButBackground(t, first, second)

	// Nothing of 1.x is left of the arithmetic.
	type rules struct {
		coding    config.BoxCoding
		clip      config.Clip
		limit     config.DeltaLimit
		anchors   config.AnchorStyle
		align     config.RoIAlignRule
		level     config.LevelRule
		paste     config.Paste
		normalize config.Normalize
		drop      bool // proposals without area
		photo     bool // NMS in the photo
	}
	of := func(f *File, s System) rules {
		c, _, err := f.Config(Options{Semantics: s})
		require.NoError(t, err)
		return rules{c.Boxes.Coding, c.Boxes.Clip, c.Boxes.DeltaLimit, c.Anchors.Style, c.RoIAlign.Rule, c.RoIAlign.LevelRule, c.Masks.Paste, c.Input.Normalize, c.RPN.DropEmpty, c.Detections.PhotoFrame}
	}
	two := rules{config.BoxCodingPlain, config.ClipImage, config.DeltaLimitBoth, config.AnchorStyleMMDet2, config.RoIAlignAdaptive, config.LevelRuleMMDet2, config.PasteGrid, config.NormalizeOpenCV, true, true}
	three := two
	three.normalize, three.photo = config.NormalizeGrey, false
	require.Equal(t, two, of(second, ""))
	require.Equal(t, two, of(second, MMDetection2))
	require.Equal(t, three, of(second, MMDetection3))
	require.Equal(t, of(first, ""), of(first, MMDetection1))
	require.Equal(t, of(first, ""), of(second, MMDetection), "another name of mmdetection1")
	require.Equal(t, config.BoxCodingPlusOne, of(first, "").coding)

	// What is written beside the weights tells the version where names do not.
	for version, want := range map[string]System{"2.28.2": MMDetection2, "3.3.0": MMDetection3, "": MMDetection2} {
		f, err := newFile("2.x", &contents{format: "memory", tensors: list, texts: map[string]string{"meta/mmdet_version": version}})
		require.NoError(t, err)
		require.Equal(t, want, f.system, version)
	}
	f, err := newFile("3.x", &contents{format: "memory", tensors: list, texts: map[string]string{"meta/mmengine_version": "0.10.7"}})
	require.NoError(t, err)
	require.Equal(t, MMDetection3, f.system)

	// The arithmetic of another version leaves the rows where they are.
	c, _, err = second.Config(Options{Semantics: MMDetection})
	require.NoError(t, err)
	require.Equal(t, config.BackgroundLast, c.Background)
	require.Equal(t, config.NMSRulePlusOneGT, c.RPN.NMSRule)
}

// requireSameButBackground compares files; the second has the background last, and zeros for its box and mask.
func requireSameButBackground(t *testing.T, first, second *File) {
	require.Equal(t, first.Names(), second.Names())
	for _, v := range first.tensors {
		w, _ := second.Tensor(v.Name)
		require.Equal(t, v.Shape, w.Shape, v.Name)
		want, err := v.Float32(nil)
		require.NoError(t, err)
		got, err := w.Float32(nil)
		require.NoError(t, err)
		want = append([]float32{}, want...)
		skip := 0
		switch {
		case strings.HasPrefix(v.Name, "box/deltas/"):
			skip = 4
		case strings.HasPrefix(v.Name, "mask/logits/"), strings.HasPrefix(v.Name, "box/class/"):
			skip = 1
		}
		for width, i := v.Shape[len(v.Shape)-1], 0; skip > 0 && i < len(want); i += width {
			row := want[i : i+width]
			moved := append(append([]float32{}, row[skip:]...), row[:skip]...)
			if !strings.HasPrefix(v.Name, "box/class/") {
				clear(moved[width-skip:])
			}
			copy(row, moved)
		}
		require.Equal(t, want, got, v.Name)
	}
}

func TestMMDetFiles(t *testing.T) {
	var files []*File
	for _, name := range []string{"tiny_v1_legacy.pth", "tiny_v2_zip.pth"} {
		f, err := Open(shared(t, "fixtures/mmdet_spinenet/"+name))
		require.NoError(t, err)
		defer f.Close()
		c, _, err := f.Config(Options{})
		require.NoError(t, err)
		require.NoError(t, Check(f, wants(t, c)))
		files = append(files, f)
	}
	requireSameButBackground(t, files[0], files[1])
}

// A ResNet for classification has no piece of name that nothing else has: its prefixes are those of wrappers and of keys.
func TestResNetsAreFoundUnderWrappers(t *testing.T) {
	for prefix, want := range map[string]System{
		"": Torchvision, "module.": Torchvision, "model.": Torchvision, "_orig_mod.": Torchvision, "state_dict/model.module.": Torchvision,
		"backbone.": Native, "submodel.": Native,
	} {
		require.Equal(t, want, recognise([]Tensor{shaped(prefix+"conv1.weight", 64, 3, 7, 7), shaped(prefix+resNetMarker, 64, 64, 1, 1)}), prefix)
	}
}

// Of several sets of weights that which is not averaged is taken, and said.
func TestAveragedWeightsAreLeft(t *testing.T) {
	names, _, shapes := torchNames(t, "mmdet_tiny.tsv.gz")
	src := newTorchFile(t, names, shapes)
	under := func(prefix string) []Tensor { return src.tensors(func(s string) string { return prefix + s }) }
	for _, c := range []struct{ taken, other, value, reason string }{
		{"model/", "ema/", "those under model", "there are others under ema"},
		{"checkpoint/model/", "ema/", "those under checkpoint/model", "there are others under ema"},
		{"student.", "teacher.", "those under student", "there are others under teacher"},
		{"state_dict/", "ema_state_dict/module.", "those under state_dict", "there are others under ema_state_dict/module"},
		{"", "best/", "those under no key", "there are others under best"},
		{"b/", "a/c/", "those under b", "there are others under a/c"},
	} {
		f, err := FromTensors("m", append(under(c.other), under(c.taken)...), nil)
		require.NoError(t, err)
		_, assumed, err := f.Config(Options{})
		require.NoError(t, err)
		require.Equal(t, Assumption{"weights", c.value, c.reason, ""}, assumed[len(assumed)-1])
		require.Equal(t, c.taken+"backbone.conv1.conv.weight", f.from["backbone/stem/conv/kernel"])
	}
}

func TestTorchProblems(t *testing.T) {
	names, _, shapes := torchNames(t, "mmdet_tiny.tsv.gz")
	var list []Tensor
	for i, name := range names {
		switch name {
		case "bbox_head.shared_fcs.0.weight":
			shapes[i] = []int{32, 785}
		case "rpn_head.rpn_reg.weight":
			shapes[i] = []int{11, 16, 1, 1}
		case "rpn_head.rpn_cls.weight":
			shapes[i] = []int{3, 16, 1}
		case "bbox_head.fc_cls.weight":
			continue
		}
		list = append(list, shaped(name, shapes[i]...))
	}
	list = append(list, shaped("bbox_head.fc_iou.weight", 1, 1), shaped("lonely", 1), shaped("rpn_head.rpn_conv.alpha", 1))
	f, err := FromTensors("m", list, nil)
	require.NoError(t, err)
	_, _, err = f.Config(Options{})
	var le *LoadError
	require.ErrorAs(t, err, &le)
	require.Equal(t, []string{
		"bbox_head.fc_iou.weight: unexpected, shape [1 1]",
		"bbox_head.shared_fcs.0.weight: shape [32 785]: 785 inputs are not a square of 16 channels",
		"box/class/kernel: missing",
		"lonely: unexpected, shape [1]",
		"rpn/objectness/kernel: missing",
		"rpn_head.rpn_cls.weight: shape [3 16 1], want 2 or 4 dimensions",
		"rpn_head.rpn_conv.alpha: unexpected, shape [1]",
		"rpn_head.rpn_reg.weight: shape [1 1 16 11], want an output for each of 12",
	}, le.Problems)
}

// TestStateDictsAreFoundWhereTrainingProgramsPutThem: a model is the same under every prefix that wrappers and checkpoints
// give its names, alone or beside the weights that are averaged while training.
func TestStateDictsAreFoundWhereTrainingProgramsPutThem(t *testing.T) {
	names, _, shapes := torchNames(t, "mmdet_tiny.tsv.gz")
	src := newTorchFile(t, names, shapes)
	under := func(prefix string) []Tensor { return src.tensors(func(s string) string { return prefix + s }) }
	plain, err := FromTensors("m", under(""), nil)
	require.NoError(t, err)
	one := NewTensor("", []int{1}, []float32{1})
	named := func(name string) Tensor { one.Name = name; return one }
	for name, tensors := range map[string][]Tensor{
		"mmengine":           append(under("state_dict/"), under("ema_state_dict/module.")...),
		"DistributedData…":   under("state_dict/module."),
		"Lightning":          append(under("state_dict/model."), named("state_dict/criterion.weight"), named("optimizer_states/0/state/0/exp_avg")),
		"torch.compile":      under("model/_orig_mod."),
		"swa_utils":          append(under("module."), named("n_averaged")),
		"timm, EMA beside":   append(under("state_dict/"), under("state_dict_ema/")...),
		"EMA alone":          under("state_dict_ema/module."),
		"mmcv's EMAHook":     append(under("state_dict/"), src.tensors(func(s string) string { return "state_dict/ema_" + strings.ReplaceAll(s, ".", "_") })...),
		"two wrappers":       under("model/module.model."),
		"DeepSpeed's module": under("module/"),
	} {
		f, err := FromTensors("m", tensors, nil)
		require.NoError(t, err, name)
		require.Equal(t, MMDetection1, f.system, name)
		require.Empty(t, f.problems, name)
		require.Equal(t, plain.Names(), f.Names(), name)
	}
}
