package network

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// The parameters are the published totals of the paper's tables and of
// tensorflow/tpu's MODEL_ZOO.md to their last digit, and were computed
// independently from the released code; multiply-adds are those that the same
// calculation gives (published ones in parentheses, in billions), for 1000
// proposals and 100 masks.
func TestPublishedSizes(t *testing.T) {
	for _, tt := range []struct {
		variant                             string
		side                                int
		backbone, total, backboneStatistics int64
		macs                                int64
		rpnConvs                            int
	}{
		{"49S", 640, 9_089_215, 13_946_608, 61_744, 59_702_547_575, 1},         // 13.9M (60.2)
		{"49", 640, 21_831_488, 40_753_521, 97_920, 215_446_086_400, 1},        // 40.8M (215.7)
		{"96", 1024, 36_262_976, 55_185_009, 131_968, 314_133_504_000, 1},      // 55.2M
		{"143", 1280, 60_247_616, 79_169_649, 175_488, 497_626_393_600, 1},     // 79.2M
		{"190", 1536, 126_587_664, 168_210_497, 278_960, 1_683_042_083_840, 1}, // 168.2M (1685.7)
		{"190", 1536, 126_587_664, 176_198_465, 0, 2_074_038_772_736, 7},       // 176.2M (2076.8)
	} {
		t.Run(tt.variant, func(t *testing.T) {
			c, err := config.TF1(tt.variant)
			require.NoError(t, err)
			c.RPN.Convs = tt.rpnConvs
			n, err := Build(c)
			require.NoError(t, err)
			counts, err := n.Trunk.Counts(tt.side, tt.side, 1)
			require.NoError(t, err)
			require.Equal(t, "backbone", n.Trunk.Stages(counts, 1)[0].Name)
			require.Equal(t, tt.backbone, n.Trunk.Stages(counts, 1)[0].Params)
			total, err := Count(n.Parts(c, tt.side, tt.side, 1000, 100))
			require.NoError(t, err)
			require.Equal(t, tt.total, total.Params)
			if tt.backboneStatistics > 0 {
				require.Equal(t, tt.backboneStatistics, total.Statistics)
			}
			require.Equal(t, tt.macs, total.MACs)
		})
	}
}

// Parameters and multiply-adds to the last digit: those that the Garden's own
// networks have, counted in their traced graphs (networks.md, section 1), which
// the published totals round. A classifier at 224 cannot be built there; its
// multiply-adds are worked out from the same rules.
func TestCountsOfOtherKinds(t *testing.T) {
	retina := func(variant string) func() (*config.Config, error) {
		return func() (*config.Config, error) { return config.TF1RetinaNet(variant) }
	}
	classify := func(variant string) func() (*config.Config, error) {
		return func() (*config.Config, error) { return config.TF1Classification(variant) }
	}
	of := func(family func(string) (*config.Config, error), name string) func() (*config.Config, error) {
		return func() (*config.Config, error) { return family(name) }
	}
	for name, tt := range map[string]struct {
		config          func() (*config.Config, error)
		side            int
		backbone, total int64
		macs            int64
	}{
		"RetinaNet 49S, endpoints 128": {func() (*config.Config, error) {
			c, err := config.TF2RetinaNet("49S")
			c.Backbone.Endpoints = 128
			return c, err
		}, 640, 9_089_215, 11_265_942, 30_778_541_175},
		"RetinaNet 49S":          {retina("49S"), 640, 9_472_959, 11_944_598, 33_745_248_375},
		"RetinaNet 49":           {retina("49"), 640, 21_831_488, 28_543_383, 85_281_555_200},
		"RetinaNet 49 at 896":    {retina("49"), 896, 21_831_488, 28_543_383, 167_151_848_192},
		"RetinaNet 96":           {retina("96"), 1024, 36_262_976, 42_974_871, 265_024_356_352},
		"RetinaNet 143":          {retina("143"), 1280, 60_247_616, 66_959_511, 523_337_600_000},
		"RetinaNet 190":          {retina("190"), 1280, 126_587_664, 163_637_351, 1_881_659_539_200},
		"RetinaNet R50-FPN":      {of(config.TF2ResNetFPNRetinaNet, "resnet-50"), 640, 23_508_032, 34_091_159, 96_880_198_400},
		"RetinaNet R101-FPN":     {of(config.TF2ResNetFPNRetinaNet, "resnet-101"), 1024, 42_500_160, 53_083_287, 325_591_154_688},
		"RetinaNet R152-FPN":     {of(config.TF2ResNetFPNRetinaNet, "resnet-152"), 1280, 58_143_808, 68_726_935, 629_951_564_800},
		"Mask R-CNN R50-FPN, P2": {of(config.TF2ResNetFPN, "resnet-50"), 1024, 23_508_032, 46_367_089, 378_902_749_184},
		"Mask R-CNN R50-FPN":     {of(config.TF2ResNetFPN, "resnet-50-p3"), 640, 23_508_032, 46_301_297, 227_044_729_600},
		"Mask R-CNN R101-FPN":    {of(config.TF2ResNetFPN, "resnet-101-p3"), 1024, 42_500_160, 65_293_425, 374_700_302_336},
		"Mask R-CNN R152-FPN":    {of(config.TF2ResNetFPN, "resnet-152-p3"), 1280, 58_143_808, 80_937_073, 604_240_358_400},
		// The same rules with the wirings of the paper's figure 4: 26.06 M, 94.8 billion of R0-SP53 (published 95.2).
		"RetinaNet R0-SP53":        {of(config.ScalePermuted, "r0_sp53"), 640, 19_344_320, 26_056_215, 94_769_939_200},
		"RetinaNet R23-SP30":       {of(config.ScalePermuted, "r23_sp30"), 640, 19_798_976, 26_510_871, 95_481_824_000},
		"mobile 49":                {of(config.TF2Mobile, "49"), 384, 2_268_708, 2_337_579, 980_858_928},
		"mobile 49S":               {of(config.TF2Mobile, "49S"), 384, 975_678, 1_030_653, 495_890_184},
		"mobile 49XS":              {of(config.TF2Mobile, "49XS"), 256, 842_456, 872_711, 165_764_892},
		"classification 49":        {classify("49"), 224, 21_831_488, 22_088_745, 3_477_940_480},
		"classification 96":        {classify("96"), 224, 36_262_976, 36_520_233, 5_723_531_520},
		"classification 143":       {classify("143"), 224, 60_247_616, 60_504_873, 9_086_871_808},
		"classification 190":       {classify("190"), 224, 126_587_664, 127_101_177, 19_111_828_144},
		"classification ResNet-50": {func() (*config.Config, error) { return config.TF2Classification("resnet-50") }, 224, 23_508_032, 25_559_081, 4_089_186_304},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tt.config()
			require.NoError(t, err)
			require.NoError(t, c.Validate())
			n, err := Build(c)
			require.NoError(t, err)
			counts, err := n.Trunk.Counts(tt.side, tt.side, 1)
			require.NoError(t, err)
			require.Equal(t, tt.backbone, n.Trunk.Stages(counts, 1)[0].Params)
			total, err := Count(n.Parts(c, tt.side, tt.side, 1000, 100))
			require.NoError(t, err)
			require.Equal(t, tt.total, total.Params)
			require.Equal(t, tt.macs, total.MACs)
		})
	}
}

// The parameters that torchvision publishes (num_params in
// models/detection/mask_rcnn.py), for v1 without the 53,120 of its frozen batch
// norms; and the number of floating-point
// tensors of its state dictionaries.
func TestPublishedSizesOfTorchvision(t *testing.T) {
	for version, want := range map[string]struct {
		params  int64
		tensors int
	}{"v1": {44_401_393 + 53_120, 307}, "v2": {46_359_409, 363}} {
		c, err := config.Torchvision(version)
		require.NoError(t, err)
		n, err := Build(c)
		require.NoError(t, err)
		total, err := Count(n.Parts(c, 800, 1088, 1000, 100))
		require.NoError(t, err)
		require.Equal(t, want.params, total.Params, version)
		require.Len(t, n.Tensors(), want.tensors, version)
	}
}

// The numbers of tensors of the released checkpoints: backbone 650, 885, 1120
// and 1355 for 1 to 4 repeats, with heads 742, 977, 1212, 1483.
func TestNumberOfTensors(t *testing.T) {
	for variant, want := range map[string][2]int{"49S": {650, 742}, "49": {650, 742}, "96": {885, 977}, "143": {1120, 1212}, "190": {1355, 1483}} {
		c, err := config.TF1(variant)
		require.NoError(t, err)
		n, err := Build(c)
		require.NoError(t, err)
		backbone := 0
		for _, x := range n.Tensors() {
			if strings.HasPrefix(x.Name, "backbone/") {
				backbone++
			}
		}
		require.Equal(t, want, [2]int{backbone, len(n.Tensors())}, variant)
	}
}

// In SpineNet-49 exactly one block that nobody uses feeds an output block:
// feature 11 (block 9) joins feature 14 (block 12, P5).
func TestUnusedBlockJoinsTheOutputOfItsLevel(t *testing.T) {
	c, err := config.TF1("49")
	require.NoError(t, err)
	n, err := Build(c)
	require.NoError(t, err)
	var three []graph.Node
	for _, x := range n.Trunk.Nodes() {
		if len(x.In) > 2 {
			three = append(three, x)
		}
	}
	require.Len(t, three, 1)
	require.Equal(t, "backbone/block12/merge", three[0].Name)
	require.Equal(t, n.Features.Blocks[9], three[0].In[2])
}
