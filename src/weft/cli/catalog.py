"""Every command's name, summary and module. Nothing is imported here: a command's module is loaded when it runs."""

from __future__ import annotations

_CONTAINER = {
    "attach": "Attach local standard input, output, and error streams to a running container",
    "commit": "Create a new image from a container's changes",
    "cp": "Copy files/folders between a container and the local filesystem",
    "create": "Create a new container",
    "diff": "Inspect changes to files or directories on a container's filesystem",
    "exec": "Execute a command in a running container",
    "export": "Export a container's filesystem as a tar archive",
    "inspect": "Display detailed information on one or more containers",
    "kill": "Kill one or more running containers",
    "logs": "Fetch the logs of a container",
    "ls": "List containers",
    "pause": "Pause all processes within one or more containers",
    "port": "List port mappings or a specific mapping for the container",
    "prune": "Remove all stopped containers",
    "rename": "Rename a container",
    "restart": "Restart one or more containers",
    "rm": "Remove one or more containers",
    "run": "Create and run a new container from an image",
    "start": "Start one or more stopped containers",
    "stats": "Display a live stream of container(s) resource usage statistics",
    "stop": "Stop one or more running containers",
    "top": "Display the running processes of a container",
    "unpause": "Unpause all processes within one or more containers",
    "update": "Update configuration of one or more containers",
    "wait": "Block until one or more containers stop, then print their exit codes",
}
_IMAGE = {
    "history": "Show the history of an image",
    "import": "Import the contents from a tarball to create a filesystem image",
    "inspect": "Display detailed information on one or more images",
    "load": "Load an image from a tar archive or STDIN",
    "ls": "List images",
    "prune": "Remove unused images",
    "pull": "Download an image from a registry",
    "push": "Upload an image to a registry",
    "rm": "Remove one or more images",
    "save": "Save one or more images to a tar archive (streamed to STDOUT by default)",
    "tag": "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
}
_NETWORK = {
    "connect": "Connect a container to a network",
    "create": "Create a network",
    "disconnect": "Disconnect a container from a network",
    "inspect": "Display detailed information on one or more networks",
    "ls": "List networks",
    "prune": "Remove all unused networks",
    "rm": "Remove one or more networks",
}
_PORT = {
    "add": "Publish ports of a container, running or not",
    "rm": "Withdraw published ports of a container, running or not",
}
_SYSTEM = {
    "df": "Show disk usage",
    "events": "Get real time events from the server",
    "info": "Display system-wide information",
    "prune": "Remove unused data",
}
_VOLUME = {
    "create": "Create a volume",
    "inspect": "Display detailed information on one or more volumes",
    "ls": "List volumes",
    "prune": "Remove unused local volumes",
    "rm": "Remove one or more volumes",
}
GROUPS = {
    "container": _CONTAINER,
    "image": _IMAGE,
    "network": _NETWORK,
    "port": _PORT,
    "system": _SYSTEM,
    "volume": _VOLUME,
}
GROUP_SUMMARIES = {
    "container": "Manage containers",
    "image": "Manage images",
    "network": "Manage networks",
    "port": "Publish and withdraw ports of a container, or list them",
    "system": "Manage the engine",
    "volume": "Manage volumes",
}
ALIASES = {
    "container": {"list": "ls", "ps": "ls", "remove": "rm"},
    "image": {"list": "ls", "remove": "rm", "rmi": "rm"},
    "network": {"list": "ls", "remove": "rm"},
    "port": {"remove": "rm"},
    "system": {},
    "volume": {"list": "ls", "remove": "rm"},
}
_SHOWN_ALIASES = {
    ("container", "ls"): ("list", "ps"),
    ("container", "rm"): ("remove",),
    ("image", "ls"): ("list",),
    ("image", "rm"): ("remove",),
    ("network", "ls"): ("list",),
    ("network", "rm"): ("remove",),
    ("volume", "ls"): ("list",),
    ("volume", "rm"): ("remove",),
}
COMMON = (
    "run",
    "exec",
    "ps",
    "pull",
    "push",
    "images",
    "login",
    "logout",
    "version",
    "info",
)  # shown first, in this order
TOP_LEVEL = {
    **{name: ("container", name) for name in _CONTAINER if name not in ("inspect", "ls", "prune")},
    **{name: ("image", name) for name in ("history", "import", "load", "pull", "push", "save", "tag")},
    "completion": ("", "completion"),
    "events": ("system", "events"),
    "images": ("image", "ls"),
    "info": ("system", "info"),
    "inspect": ("", "inspect"),
    "login": ("", "login"),
    "logout": ("", "logout"),
    "ps": ("container", "ls"),
    "rmi": ("image", "rm"),
    "version": ("", "version"),
}  # top-level name -> (group, command)
_TOP_SUMMARIES = {
    "completion": "Print a completion script for bash, zsh or fish",
    "inspect": "Return low-level information on Weft objects",
    "login": "Authenticate to a registry",
    "logout": "Log out from a registry",
    "version": "Show the Weft version information",
}
ELSEWHERE = {
    "build": "build images with another tool (buildah, docker buildx) and read them in with `weft load`",
    "builder": "build images with another tool (buildah, docker buildx) and read them in with `weft load`",
    "buildx": "build images with another tool (buildah, docker buildx) and read them in with `weft load`",
    "checkpoint": "containers cannot be frozen to disk",
    "compose": "use docker compose with DOCKER_HOST set to the daemon's address",
    "config": "there are no services yet",
    "context": "name the daemon by -H or WEFT_HOST",
    "manifest": "use skopeo or docker manifest, which talk to registries by themselves",
    "node": "there are no services yet",
    "plugin": "network plugins are found by their sockets and files in /run/docker/plugins and /etc/docker/plugins",
    "search": "search the registry's own site",
    "secret": "there are no services yet",
    "service": "there are no services yet",
    "stack": "there are no services yet; use docker compose with DOCKER_HOST set to the daemon's address",
    "swarm": "there are no services yet",
    "trust": "images are pulled by digest where they must be known ones",
}  # docker's commands that Weft has not, and what to do instead

Found = tuple[str, str, str]  # path as typed in the usage line, group, command


def find(words: list[str]) -> Found | None:
    """Return the command that `words` (without flags) begin with, or None."""
    if not words:
        return None
    first, second = words[0], words[1] if len(words) > 1 else ""
    name = ALIASES.get(first, {}).get(second, second)
    if name in GROUPS.get(first, {}):
        return f"{first} {name}", first, name
    return (first, *TOP_LEVEL[first]) if first in TOP_LEVEL else None


def summary(group: str, name: str) -> str:
    """Return a command's one-line description."""
    return GROUPS[group][name] if group else _TOP_SUMMARIES[name]


def top_summary(name: str) -> str:
    """Return a top-level command's one-line description."""
    return summary(*TOP_LEVEL[name])


def module_name(group: str, name: str) -> str:
    """Return the module that holds the command."""
    file = {"import": "import_"}.get(name, name)
    return f"weft.cli.commands.{group}.{file}" if group else f"weft.cli.commands.{file}"


def paths(group: str, name: str) -> list[str]:
    """Return every way of writing the command: weft container ls, weft container list, …, weft ps."""
    if not group:
        return [f"weft {name}"]
    names = [name, *_SHOWN_ALIASES.get((group, name), ())]
    top = [f"weft {short}" for short, target in TOP_LEVEL.items() if target == (group, name)]
    return [f"weft {group} {each}" for each in names] + top
