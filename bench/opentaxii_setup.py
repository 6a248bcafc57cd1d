"""Make one public API root and collection in OpenTAXII's store; run by the Python of the peers."""

from importlib import import_module


def main() -> None:
    """Print the ids of the root and of the collection."""
    app = import_module("opentaxii.cli").app
    with app.app_context():
        store = app.taxii_server.servers.taxii2.persistence.api
        root = store.add_api_root(title="Bench", default=True, is_public=True)
        collection = store.add_collection(
            api_root_id=root.id, title="Bench", is_public=True, is_public_write=True
        )
        print(root.id, collection.id)


if __name__ == "__main__":
    main()
