package testweights

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spinemask/spinemask/internal/testkit/testweights/formula"
	"github.com/spinemask/spinemask/weights"
	"github.com/stretchr/testify/require"
)

// TestFormula has the first values and the hash of two tensors that the formula's Python form made.
func TestFormula(t *testing.T) {
	for _, e := range []entry{
		{Name: "spinenet/conv2d/kernel", Shape: []int{7, 7, 3, 64}, A: 0.2020305097103119,
			First:  []float32{0.07035014778375626, -0.08688312768936157, 0.004686970263719559, -0.03644707798957825},
			SHA256: "a53863b05861cf91bd614b549c26425bf05e6194ef691a6b3c767db7e1c53a7b"},
		{Name: "spinenet/batch_normalization/gamma", Shape: []int{64}, A: 0.25, C: 1,
			First:  []float32{0.8890987634658813, 0.7688403129577637, 1.027800440788269, 1.0078545808792114},
			SHA256: "a99caba3101d3d8167d7d663f8543feea3017863b2e8400d034b13748ad3a5ae"},
	} {
		v := formula.Values(e.Name, size(e.Shape), e.A, e.C)
		require.NoError(t, e.check(v))
		v[len(v)-1]++
		require.ErrorContains(t, e.check(v), "SHA-256")
		v[0]++
		require.ErrorContains(t, e.check(v), "value 0")
	}
}

// TestFromSpec makes the weights of whole networks; every hash is checked on the way.
func TestFromSpec(t *testing.T) {
	dir := os.Getenv("SPINEMASK_SHARED")
	if dir == "" {
		t.Skip("SPINEMASK_SHARED is not set")
	}
	for _, c := range []struct {
		spec, stats string
		name        string
	}{
		{"tf1_spinenet49s_mrcnn/weights_spec.json", "tf1_spinenet49s_mrcnn/bn_stats.safetensors", "spinenet-49S (tf1)"},
		{"mmdet_spinenet/49S_weights_spec.json", "mmdet_spinenet/49S_bn_stats.safetensors", "spinenet-49S (mmdet)"},
		{"torchvision_maskrcnn_resnet50_fpn/v1_weights_spec.json", "torchvision_maskrcnn_resnet50_fpn/v1_bn_stats.safetensors", "maskrcnn_resnet50_fpn v1 (torchvision)"},
	} {
		f, err := FromSpec(filepath.Join(dir, "fixtures", c.spec), filepath.Join(dir, "fixtures", c.stats))
		require.NoError(t, err)
		report := f.Report()
		require.Equal(t, report.Found, report.Mapped)
		conf, _, err := f.Config(weights.Options{})
		require.NoError(t, err)
		require.Equal(t, c.name, conf.Name)
	}
}
