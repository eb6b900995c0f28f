package weights

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/testkit/modelfiles"
)

// tensorsOf are tensors of package modelfiles.
func tensorsOf(list []modelfiles.Tensor) []Tensor {
	var out []Tensor
	for _, t := range list {
		v := NewTensor(t.Name, t.Shape, t.Values)
		v.alias = t.FullName
		out = append(out, v)
	}
	return out
}

// requireComplete wants that the file has each tensor of the network of its config, and no other.
func requireComplete(t *testing.T, f *File, c *config.Config) {
	n, err := network.Build(c)
	require.NoError(t, err)
	var want []Want
	seen := map[string]bool{}
	for _, x := range n.Tensors() {
		if !seen[x.Name] {
			seen[x.Name] = true
			want = append(want, Want{x.Name, x.Shape})
		}
	}
	require.NoError(t, Check(f, want))
}

// The depth of a ResNet follows from its blocks, whoever named them.
func TestDepthsOfResNets(t *testing.T) {
	for _, depth := range []int{50, 101, 152} {
		d2 := func() []modelfiles.Tensor { return modelfiles.Detectron2(depth, 3) }
		for names, list := range map[string][]modelfiles.Tensor{
			"Detectron2":         d2(),
			"Detectron":          modelfiles.Caffe2(d2()),
			"mmdetection":        modelfiles.MMDetection(d2()),
			"mmdetection, caffe": modelfiles.MMDetection(d2()),
			"torchvision":        modelfiles.Torchvision(d2()),
			"Garden, Mask R-CNN": gardenResNetFPN(t, depth, "tf2_rfpn_mrcnn"),
			"Garden, RetinaNet":  gardenResNetFPN(t, depth, "tf2_rfpn_retina"),
		} {
			name := fmt.Sprintf("%s, depth %d", names, depth)
			f, err := FromTensors(name, tensorsOf(list), nil)
			require.NoError(t, err, name)
			require.Empty(t, f.problems, name)
			var o Options
			if names == "mmdetection, caffe" {
				o.Style = StyleCaffe
			}
			c, assumed, err := f.Config(o)
			require.NoError(t, err, name)
			require.Equal(t, depth, c.Backbone.Depth, name)
			require.Equal(t, o.Style == StyleCaffe || strings.HasPrefix(names, "Detectron"), c.Backbone.StridedConv == config.StridedConv1x1, name)
			require.NotEmpty(t, assumed)
			requireComplete(t, f, c)
		}
	}
}

// gardenResNetFPN is a detector of the Garden on a ResNet-50, with the blocks of a deeper one: the layers 0 and 1 are the stem, and each block is a layer.
func gardenResNetFPN(t *testing.T, depth int, file string) []modelfiles.Tensor {
	list, err := modelfiles.Listed("testdata/" + file + ".tsv.gz")
	require.NoError(t, err)
	layer := regexp.MustCompile(`^backbone/layer_with_weights-(\d+)/(.*)$`)
	block := regexp.MustCompile(`bottleneck_block(_\d+)?`)
	blocks := map[int][]modelfiles.Tensor{}
	var out []modelfiles.Tensor
	for _, v := range list {
		if m := layer.FindStringSubmatch(v.Name); m != nil && index(m[1]) > 1 {
			v.Name = m[2]
			blocks[index(m[1])] = append(blocks[index(m[1])], v)
		} else {
			out = append(out, v)
		}
	}
	require.Len(t, blocks, 16)
	to, from := 2, 2
	for stage, units := range modelfiles.Units[depth] {
		for i := range units {
			for _, v := range blocks[from+min(i, 1)] {
				v.Name = fmt.Sprintf("backbone/layer_with_weights-%d/%s", to, v.Name)
				v.FullName = block.ReplaceAllString(v.FullName, fmt.Sprintf("bottleneck_block_%d", to-2))
				out = append(out, v)
			}
			to++
		}
		from += modelfiles.Units[50][stage]
	}
	return out
}
