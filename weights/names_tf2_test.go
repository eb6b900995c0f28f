package weights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/stretchr/testify/require"
)

// tf2Names are the variables of a checkpoint of the original, and the role of each by key.
func tf2Names(t *testing.T, name string) ([]Tensor, map[string]string) {
	var list []Tensor
	roles := map[string]string{}
	for line := range strings.Lines(unzip(t, name)) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		var shape []int
		require.NoError(t, json.Unmarshal([]byte(cells[2]), &shape))
		v := shaped(cells[0], shape...)
		v.alias = cells[1]
		if len(shape) == 0 {
			v.dtype = dtype.I64
		}
		list = append(list, v)
		roles[cells[0]] = cells[3]
	}
	return list, roles
}

// rolePlaces say where the roles of the fixture stand in our graph.
var rolePlaces = []struct{ role, place string }{
	{`backbone\.stem\.(?:conv|bn)0`, "backbone/stem/conv"},
	{`backbone\.stem_group\.(\d)\.(\d)\.(?:shortcut|norm0)`, "backbone/stem/group$1/unit$2/shortcut"},
	{`backbone\.stem_group\.(\d)\.(\d)\.(?:conv|norm)(\d)`, "backbone/stem/group$1/unit$2/conv#$3"},
	{`backbone\.block\.(\d+)\.resample\.(\d)\.(?:conv|bn)(\d)`, "backbone/block@$1/resample$2/conv$3"},
	{`backbone\.block\.(\d+)\.group\.(\d)\.(?:conv|norm)(\d)`, "backbone/block@$1/unit$2/conv#$3"},
	{`backbone\.endpoint\.(\d)\.(?:conv|bn)0`, "backbone/endpoint$1"},
	{`backbone\.group\.(\d)\.(\d)\.(?:shortcut|norm0)`, "backbone/stage$1/unit$2/shortcut"},
	{`backbone\.group\.(\d)\.(\d)\.(?:conv|norm)(\d)`, "backbone/stage$1/unit$2/conv#$3"},
	{`decoder\.(lateral)_(\d)`, "fpn/$1$2"},
	{`decoder\.(?:post_hoc|coarser)_(\d)`, "fpn/output$1"},
	{`decoder\.norm_(\d)`, "fpn/output$1/norm"},
	{`head\.(class|box)_conv\.(\d)`, "retina/$1/conv$2"},
	{`head\.(class|box)_norm\.P(\d)\.(\d)`, "retina/$1/conv$3/norm$2"},
	{`head\.(class|box)_predict`, "retina/$1/predict"},
	{`classifier`, "classifier"},
	{`rpn_head\.conv\.(\d)`, "rpn/conv$1"},
	{`rpn_head\.norm\.P(\d)\.(\d)`, "rpn/conv$2/norm$1"},
	{`rpn_head\.score`, "rpn/objectness"},
	{`rpn_head\.box`, "rpn/deltas"},
	{`box_head\.(?:conv|conv_norm)\.(\d)`, "box/conv$1"},
	{`box_head\.(?:fc|fc_norm)\.(\d)`, "box/fc$1"},
	{`box_head\.class`, "box/class"},
	{`box_head\.box`, "box/deltas"},
	{`mask_head\.(?:conv|conv_norm)\.(\d)`, "mask/conv$1"},
	{`mask_head\.(?:deconv|deconv_norm)`, "mask/deconv"},
	{`mask_head\.mask`, "mask/logits"},
}

// placeOf translates a role such as backbone.block.3.group.0.norm2/gamma.
func placeOf(t *testing.T, role string) string {
	module, leaf, _ := strings.Cut(role, "/")
	for _, r := range rolePlaces {
		re := regexp.MustCompile("^" + r.role + "$")
		if !re.MatchString(module) {
			continue
		}
		place := re.ReplaceAllString(module, r.place)
		place = regexp.MustCompile(`@\d+`).ReplaceAllStringFunc(place, func(s string) string { return fmt.Sprintf("%02d", index(s[1:])) })
		place = regexp.MustCompile(`#\d`).ReplaceAllStringFunc(place, func(s string) string { return fmt.Sprint(index(s[1:]) - 1) })
		if strings.HasPrefix(place, "fpn/") && strings.HasSuffix(place, "/norm") || strings.Contains(place, "/conv") && strings.Contains(place, "/norm") {
			return place + "/" + strings.TrimPrefix(tfLeaves[leaf], "norm/")
		}
		switch leaf {
		case "depthwise_kernel":
			return place + "/depthwise/kernel" // of the heads
		case "pointwise_kernel":
			return place + "/kernel"
		}
		return place + "/" + tfLeaves[leaf]
	}
	require.Fail(t, "no place", role)
	return ""
}

func TestTF2NamesAreWhereTheOriginalHasThem(t *testing.T) {
	for name, want := range map[string]struct {
		anchors int
		ignored []string
	}{
		"tf2_a.tsv.gz": {3, []string{
			"backbone/layer_with_weights-0/kernel/.OPTIMIZER_SLOT/optimizer/momentum/.ATTRIBUTES/VARIABLE_VALUE",
			"global_step/.ATTRIBUTES/VARIABLE_VALUE",
			"optimizer/decay/.ATTRIBUTES/VARIABLE_VALUE", "optimizer/iter/.ATTRIBUTES/VARIABLE_VALUE", "optimizer/momentum/.ATTRIBUTES/VARIABLE_VALUE",
			"save_counter/.ATTRIBUTES/VARIABLE_VALUE",
		}},
		"tf2_b.tsv.gz": {9, nil},
	} {
		vars, roles := tf2Names(t, name)
		f, err := FromTensors(name, vars, nil)
		require.NoError(t, err)
		require.Equal(t, TF2, f.system)
		require.Equal(t, want.ignored, f.ignored)
		require.Len(t, f.tensors, len(vars)-len(want.ignored))
		for native, key := range f.from {
			require.Equal(t, placeOf(t, roles[key]), native, key)
		}
		c, _, err := f.Config(Options{Activation: config.ActivationSwish})
		require.NoError(t, err)
		require.Equal(t, want.anchors, c.Anchors.PerPlace())
		require.Equal(t, 0.1, c.Backbone.FilterScale)
		require.Equal(t, config.StridedPaddingSame, c.Backbone.StridedPadding)
		require.NoError(t, Check(f, wants(t, c)))
	}
}

// TestTF2OtherKindsAreWhereTheOriginalHasThem is the same of a RetinaNet as the trainer writes it, and of classifiers.
func TestTF2OtherKindsAreWhereTheOriginalHasThem(t *testing.T) {
	for name, want := range map[string]struct {
		kind     config.Model
		backbone config.BackboneType
		scale    float64
		classes  int
	}{
		"tf2_retina9.tsv.gz":      {config.ModelRetinaNet, config.BackboneSpineNet, 0.1, 21},
		"tf2_rfpn_retina.tsv.gz":  {config.ModelRetinaNet, config.BackboneResNetFPNTF, 0.125, 21},
		"tf2_rfpn_mrcnn.tsv.gz":   {config.ModelMaskRCNN, config.BackboneResNetFPNTF, 0.125, 21},
		"tf2_cls_spinenet.tsv.gz": {config.ModelClassification, config.BackboneSpineNet, 0.1, 101},
		"tf2_cls_resnet.tsv.gz":   {config.ModelClassification, config.BackboneResNet, 0.125, 101},
	} {
		vars, roles := tf2Names(t, name)
		f, err := FromTensors(name, vars, nil)
		require.NoError(t, err)
		for native, key := range f.from {
			require.Equal(t, placeOf(t, roles[key]), native, key)
		}
		c, _, err := f.Config(Options{})
		require.NoError(t, err)
		require.Equal(t, want.kind, c.Model)
		require.Equal(t, want.backbone, c.Backbone.Type)
		require.Equal(t, want.scale, c.Backbone.FilterScale)
		require.Equal(t, want.classes, c.Classes())
		require.NoError(t, Check(f, wants(t, c)))
	}
}

// mobilePlaceOf is placeOf for the backbone of a mobile SpineNet, of which roles are all.
func mobilePlaceOf(t *testing.T, role string, roles map[string]bool) string {
	module, leaf, _ := strings.Cut(role, "/")
	suffix := "/" + tfLeaves[leaf]
	if leaf == "depthwise_kernel" {
		suffix = "/kernel"
	}
	var block, parent, k int
	scan := func(format string, args ...any) bool {
		n, _ := fmt.Sscanf(module, format, args...)
		return n == len(args)
	}
	unit, part := "", ""
	switch {
	case scan("backbone.block.%d.resample.%d.dw%d", &block, &parent, &k):
		return fmt.Sprintf("backbone/block%02d/resample%d/depthwise%d%s", block, parent, k, suffix)
	case scan("backbone.block.%d.resample.%d.bn%d", &block, &parent, &k):
		if roles[fmt.Sprintf("backbone.block.%d.resample.%d.dw%d/depthwise_kernel", block, parent, k)] {
			return fmt.Sprintf("backbone/block%02d/resample%d/depthwise%d%s", block, parent, k, suffix)
		}
		return fmt.Sprintf("backbone/block%02d/resample%d/conv%s", block, parent, suffix)
	case scan("backbone.block.%d.resample.%d.conv0", &block, &parent):
		return fmt.Sprintf("backbone/block%02d/resample%d/conv%s", block, parent, suffix)
	case scan("backbone.block.%d.group.0.%s", &block, &part):
		unit = fmt.Sprintf("backbone/block%02d/unit0/", block)
	case scan("backbone.stem_group.%d.0.%s", &block, &part):
		unit = fmt.Sprintf("backbone/stem/group%d/unit0/", block)
	default:
		return placeOf(t, role)
	}
	part = strings.NewReplacer("norm", "conv", "se_reduce", "squeeze", "se_expand", "excite").Replace(part)
	return unit + part + suffix
}

// TestTF2MobileIsWhereTheOriginalHasIt is of mobile SpineNet, with numbers that another model before has moved on, too.
func TestTF2MobileIsWhereTheOriginalHasIt(t *testing.T) {
	number := regexp.MustCompile(`^(conv2d|depthwise_conv2d|batch_normalization|inverted_bottleneck_block)(?:_(\d+))?/`)
	for name, kind := range map[string]config.Model{"tf2_mobile_retina.tsv.gz": config.ModelRetinaNet, "tf2_mobile_mrcnn.tsv.gz": config.ModelMaskRCNN} {
		for _, moved := range []int{0, 93} {
			vars, roles := tf2Names(t, name)
			all := map[string]bool{}
			for i, v := range vars {
				all[roles[v.Name]] = true
				vars[i].alias = number.ReplaceAllStringFunc(v.alias, func(s string) string {
					m := number.FindStringSubmatch(s)
					return fmt.Sprintf("%s_%d/", m[1], index(m[2])+moved)
				})
			}
			f, err := FromTensors(name, vars, nil)
			require.NoError(t, err)
			for native, key := range f.from {
				require.Equal(t, mobilePlaceOf(t, roles[key], all), native, key)
			}
			c, _, err := f.Config(Options{})
			require.NoError(t, err)
			require.Equal(t, kind, c.Model)
			require.Equal(t, config.BackboneSpineNetMobile, c.Backbone.Type)
			require.Equal(t, 0.4, c.Backbone.FilterScale)
			require.Equal(t, 0.2, c.Backbone.SqueezeRatio)
			require.Equal(t, 6, c.Backbone.Expansion)
			require.Equal(t, 21, c.Classes())
			require.NoError(t, Check(f, wants(t, c)))
		}
	}
}

// TestMobileSizesAreMeasured takes names and shapes of the networks themselves: what is measured is the config that they were made of.
func TestMobileSizesAreMeasured(t *testing.T) {
	for _, name := range config.Mobiles() {
		for _, family := range []func(string) (*config.Config, error){config.TF2Mobile, config.TF2MobileMaskRCNN} {
			for _, change := range []func(*config.Backbone){
				func(*config.Backbone) {},
				func(b *config.Backbone) { b.FilterScale, b.Endpoints = 0.3, 20 },
				func(b *config.Backbone) { b.Expansion, b.SqueezeRatio = 1, 0.25 },
				func(b *config.Backbone) { b.Expansion, b.MinLevel, b.MaxLevel = 4, 4, 6 },
			} {
				c, err := family(name)
				require.NoError(t, err)
				change(&c.Backbone)
				if c.Model == config.ModelMaskRCNN {
					c.RoIAlign.MinLevel, c.RoIAlign.MaxLevel = c.Backbone.MinLevel, c.Backbone.MaxLevel
				}
				require.NoError(t, c.Validate())
				var vars []Tensor
				for _, w := range wants(t, c) {
					vars = append(vars, shaped(w.Name, w.Shape...))
				}
				f, err := FromTensors(name, vars, nil)
				require.NoError(t, err)
				measured := c.Clone()
				measured.Backbone = config.Backbone{Type: c.Backbone.Type, BlockTable: c.Backbone.BlockTable, SqueezeRatio: 0.2}
				require.Empty(t, measure(f, measured))
				want := c.Backbone
				want.StridedPadding, want.PoolPadding, want.EndpointActivation = "", "", false
				require.Equal(t, want, measured.Backbone)
				require.Equal(t, c.RetinaHead, measured.RetinaHead)
				require.Equal(t, c.RPN.Separable, measured.RPN.Separable)
				require.Equal(t, c.MaskHead, measured.MaskHead)
			}
		}
	}
}

// TestTF2NumbersMayStartAnywhere numbers the layers as a process does that built another model before, under other
// scopes, and takes the full names as names, as a safetensors file of the variables would have them.
func TestTF2NumbersMayStartAnywhere(t *testing.T) {
	vars, roles := tf2Names(t, "tf2_b.tsv.gz")
	number := regexp.MustCompile(`^(conv2d|batch_normalization|bottleneck_block|residual_block)(?:_(\d+))?/`)
	for i, v := range vars {
		name := number.ReplaceAllStringFunc(v.alias, func(s string) string {
			m := number.FindStringSubmatch(s)
			kind := strings.Replace(m[1], "batch_", "sync_batch_", 1)
			return fmt.Sprintf("%s_%d/", kind, index(m[2])+1093)
		})
		name = strings.Replace(name, "mask_rcnn_model/detection_head/", "mask_rcnn_model_1/detection_head_2/", 1)
		roles[name+":0"] = roles[v.Name]
		vars[i].Name, vars[i].alias = name+":0", ""
	}
	f, err := FromTensors("m", vars, nil)
	require.NoError(t, err)
	require.Equal(t, TF2, f.system)
	for native, name := range f.from {
		require.Equal(t, placeOf(t, roles[name]), native, name)
	}
}

// TestTF2RepeatedBlocks doubles every block, as SpineNet-96 has them.
func TestTF2RepeatedBlocks(t *testing.T) {
	vars, roles := tf2Names(t, "tf2_b.tsv.gz")
	block := regexp.MustCompile(`^(bottleneck|residual)_block(?:_(\d+))?/`)
	var more []Tensor
	for _, v := range vars {
		m := block.FindStringSubmatch(v.alias)
		if m == nil {
			more = append(more, v)
			continue
		}
		for repeat := range 2 {
			twin := v
			twin.alias = block.ReplaceAllString(v.alias, fmt.Sprintf("%s_block_%d/", m[1], 2*index(m[2])+repeat))
			twin.Name = fmt.Sprintf("%d/%s", repeat, v.Name)
			if role := roles[v.Name]; repeat == 1 {
				if strings.Contains(role, "shortcut") || strings.Contains(role, "norm0") {
					continue // only the first has a projection
				}
				if strings.HasSuffix(role, "stem_group.0.0.conv1/kernel") {
					twin = shaped(twin.Name, 1, 1, 24, 6)
					twin.alias = block.ReplaceAllString(v.alias, "bottleneck_block_1/")
				}
			}
			more = append(more, twin)
		}
	}
	f, err := FromTensors("m", more, nil)
	require.NoError(t, err)
	c, _, err := f.Config(Options{})
	require.NoError(t, err)
	require.Equal(t, 2, c.Backbone.BlockRepeats)
	require.NoError(t, Check(f, wants(t, c)))
}

func TestTF2Problems(t *testing.T) {
	vars, _ := tf2Names(t, "tf2_b.tsv.gz")
	add := func(key, full string, shape ...int) {
		v := shaped(key+tf2Suffix, shape...)
		v.alias = full
		vars = append(vars, v)
	}
	add("detection_head/1/_classifier/kernel", "m/detection_head_1/detection-scores/kernel", 48, 91)
	add("odd/thing", "odd/thing", 1)
	f, err := FromTensors("m", vars, nil)
	require.NoError(t, err)
	c, _, err := f.Config(Options{})
	require.NoError(t, err)
	var le *LoadError
	require.ErrorAs(t, Check(f, wants(t, c)), &le)
	require.Equal(t, []string{
		"model/_config_dict/detection_head/_classifier/kernel/.ATTRIBUTES/VARIABLE_VALUE: is box/class/kernel, as is detection_head/1/_classifier/kernel/.ATTRIBUTES/VARIABLE_VALUE",
		"odd/thing/.ATTRIBUTES/VARIABLE_VALUE: unexpected, shape [1]",
	}, le.Problems)
}

// TestTF2Checkpoints opens what the original wrote.
func TestTF2Checkpoints(t *testing.T) {
	for path, name := range map[string]string{"ckpt_trainer": "tf2_a.tsv.gz", "ckpt_model_only": "tf2_b.tsv.gz"} {
		f, err := Open(shared(t, "fixtures/tf2_spinenet_mrcnn/"+path))
		require.NoError(t, err)
		vars, roles := tf2Names(t, name)
		for native, key := range f.from {
			require.Equal(t, placeOf(t, roles[key]), native, key)
		}
		full := map[string]string{}
		for _, v := range vars {
			full[v.Name] = v.alias
		}
		for _, v := range f.tensors {
			require.Equal(t, full[f.from[v.Name]], v.alias)
		}
		c, _, err := f.Config(Options{})
		require.NoError(t, err)
		require.NoError(t, Check(f, wants(t, c)))
		var out bytes.Buffer
		require.NoError(t, Convert(&out, f, c, Provenance{Source: path, System: TF2}))
		require.NoError(t, f.Close())
	}
}

func TestTF2KeysAloneAreRefused(t *testing.T) {
	_, err := FromTensors("m", []Tensor{shaped("backbone/layer_with_weights-0/kernel"+tf2Suffix, 7, 7, 3, 64)}, nil)
	require.ErrorContains(t, err, "weights: m: backbone/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE: the key of a checkpoint, which does not tell the layer")
}
