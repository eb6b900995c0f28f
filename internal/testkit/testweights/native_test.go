package testweights

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/spinemask/spinemask/weights"
	"github.com/stretchr/testify/require"
)

var nativeFolder = flag.String("native", "", "`folder` to write the models to whose weights follow the formula, for bench/interop/onnx.sh")

func TestWriteNative(t *testing.T) {
	dir := os.Getenv("SPINEMASK_SHARED")
	if *nativeFolder == "" || dir == "" {
		t.Skip("-native is not given, or SPINEMASK_SHARED not set")
	}
	for name, spec := range map[string]string{
		"torchvision_v1":  "torchvision_maskrcnn_resnet50_fpn/v1_",
		"torchvision_v2":  "torchvision_maskrcnn_resnet50_fpn/v2_",
		"detectron2_r50":  "detectron2_maskrcnn_r50_fpn/full_",
		"tf1_spinenet49S": "tf1_spinenet49s_mrcnn/",
	} {
		spec = filepath.Join(dir, "fixtures") + "/" + spec
		f, err := FromSpec(spec+"weights_spec.json", spec+"bn_stats.safetensors")
		require.NoError(t, err, name)
		c, _, err := f.Config(weights.Options{})
		require.NoError(t, err)
		file, err := os.Create(filepath.Join(*nativeFolder, name+".safetensors"))
		require.NoError(t, err)
		require.NoError(t, weights.Convert(file, f, c, weights.Provenance{Source: name, System: f.Report().System}))
		require.NoError(t, file.Close())
	}
}
