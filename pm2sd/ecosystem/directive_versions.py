"""Which version of systemd brought a directive, for units that another machine is to run.

From the "Added in version" of its manual pages, checked against the lists that systemd 245, 247,
249, 252, 255, 257 and 262 print of themselves (``systemd --dump-configuration-items``). Where the
manual names several directives at once, or one that no version read at first, NEWS and the lists
decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NEWEST: Final = 262
"""The last version that the tables know of."""

_CAME: Final[Mapping[str, Mapping[int, str]]] = {
    "Unit": {
        246: "AssertCPUs AssertEnvironment AssertMemory AssertPathIsEncrypted "
        "ConditionCPUs ConditionEnvironment ConditionMemory "
        "ConditionPathIsEncrypted",
        249: "AssertOSRelease ConditionFirmware ConditionOSRelease OnSuccess "
        "OnSuccessJobMode PropagatesStopTo StopPropagatedFrom Upholds",
        250: "AssertCPUFeature AssertCPUPressure AssertIOPressure AssertMemoryPressure "
        "ConditionCPUFeature ConditionCPUPressure ConditionIOPressure "
        "ConditionMemoryPressure",
        252: "AssertCredential ConditionCredential",
        255: "SurviveFinalKillSignal",
        256: "WantsMountsFor",
        258: "AssertKernelModuleLoaded AssertVersion ConditionKernelModuleLoaded ConditionVersion",
        260: "AssertPathIsSocket ConditionPathIsSocket",
        261: "AssertFraction AssertMachineTag ConditionFraction ConditionMachineTag",
    },
    "Service": {
        246: "CoredumpFilter RootHash RootHashSignature RootVerity "
        "TimeoutStartFailureMode TimeoutStopFailureMode",
        247: "LoadCredential ManagedOOMMemoryPressure ManagedOOMSwap MountImages "
        "ProcSubset ProtectProc RootImageOptions SetCredential SystemCallLog",
        248: "ExecPaths ExtensionImages IPCNamespacePath ManagedOOMMemoryPressureLimit "
        "ManagedOOMPreference NoExecPaths PrivateIPC",
        249: "BPFProgram SocketBindAllow SocketBindDeny",
        250: "ExecSearchPath ExitType LoadCredentialEncrypted RestrictFileSystems "
        "RestrictNetworkInterfaces RuntimeRandomizedExtraSec SetCredentialEncrypted "
        "StartupAllowedCPUs StartupAllowedMemoryNodes TTYColumns TTYRows",
        251: "ExtensionDirectories",
        253: "LogFilterPatterns MemoryZSwapMax OpenFile ReloadSignal StartupMemoryZSwapMax",
        254: "DelegateSubgroup ExtensionImagePolicy FileDescriptorStorePreserve "
        "ImportCredential MemoryKSM MemoryPressureThresholdSec MemoryPressureWatch "
        "MountImagePolicy RestartMaxDelaySec RestartMode RestartSteps RootEphemeral "
        "RootImagePolicy StartupMemoryHigh StartupMemoryLow StartupMemoryMax "
        "StartupMemorySwapMax",
        255: "CoredumpReceive NFTSet SetLoginEnvironment",
        256: "MemoryZSwapWriteback",
        257: "BindLogSockets ManagedOOMMemoryPressureDurationSec PrivatePIDs",
        258: "BPFDelegateAttachments BPFDelegateCommands BPFDelegateMaps "
        "BPFDelegatePrograms CacheDirectoryAccounting CacheDirectoryQuota "
        "DelegateNamespaces LogsDirectoryAccounting LogsDirectoryQuota PrivateBPF "
        "StateDirectoryAccounting StateDirectoryQuota",
        259: "ExecReloadPost UserNamespacePath",
        260: "BindNetworkInterface MemoryTHP RefreshOnReload RootMStack",
        261: "CPUPressureThresholdSec CPUPressureWatch CPUSetPartition "
        "IOPressureThresholdSec IOPressureWatch OOMRules",
        262: "LUOSession RestartRandomizedDelaySec",
    },
}

_WENT: Final[Mapping[int, str]] = {
    258: "BlockIOAccounting BlockIODeviceWeight BlockIOReadBandwidth BlockIOWeight "
    "BlockIOWriteBandwidth CPUShares MemoryLimit StartupBlockIOWeight StartupCPUShares",
}
"""What ended with control groups of version 1."""


def _by_name(versions: Mapping[int, str]) -> Mapping[str, int]:
    return MappingProxyType({name: n for n, names in versions.items() for name in names.split()})


CAME: Final = {section: _by_name(versions) for section, versions in _CAME.items()}
"""Section -> directive -> the version it came with, of those that pm2sd's oldest lacks."""

WENT: Final = {"Unit": _by_name({}), "Service": _by_name(_WENT)}
"""Section -> directive -> the first version without it."""
